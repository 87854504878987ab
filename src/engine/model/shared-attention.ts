// Attention as Gemma 3n and 4 have it: queries, keys and values are normed a head, scores have no scale, and the last
// layers have no keys and values of their own but read those of an earlier layer.
import type {GraphBuilder} from '../graph/builder.ts';
import type {Activation, WeightTensor} from '../graph/graph.ts';
import {anglesOf} from './decoder.ts';
import type {LayerConfig} from './model-config.ts';

/** x: [n][nEmbd] → [n][nEmbd]. `ropeFactors`: what divides the angles of this layer. */
export function sharedKvAttention(
  g: GraphBuilder,
  layer: LayerConfig,
  kvSource: LayerConfig,
  x: Activation,
  {ropeFactors = null, valuesFromKeys = false}: {ropeFactors?: WeightTensor | null; valuesFromKeys?: boolean} = {},
): Activation {
  const {kvWrite, linear, rmsNorm, rope} = g;
  const {nHead, nHeadKv, headDim, window} = layer;
  const w = g.weights<'attn_q' | 'attn_q_norm' | 'attn_k' | 'attn_k_norm' | 'attn_v' | 'attn_output'>();
  const angles = anglesOf(g, layer, ropeFactors);
  const cache = g.cache(kvSource);

  const q = rope(rmsNorm(linear(w.attn_q, x), w.attn_q_norm), angles); // [n][nHead][headDim]
  if (layer.hasKv) {
    const k = linear(w.attn_k, x); // [n][nHeadKv][headDim]
    kvWrite(rope(rmsNorm(k, w.attn_k_norm), angles), cache.keys);
    const v = valuesFromKeys ? k : linear(w.attn_v, x);
    kvWrite(rmsNorm(v, null, {size: headDim}), cache.values);
  }
  const attended = g.attention(q, cache, {nHead, nHeadKv, headDim, window, scale: 1, softcap: 0});
  return linear(w.attn_output, attended);
}
