// Gemma 3 (Gemma team, "Gemma 3 technical report", 2025), in reading order. n is a step's rows, m its output rows. The
// same in float64: test/reference/models/gemma3.ts.
import type {GraphBuilder} from '../../graph/builder.ts';
import type {Activation, CacheTensor} from '../../graph/graph.ts';
import {anglesOf, embed, logitsOf} from '../decoder.ts';
import type {LayerConfig} from '../model-config.ts';
import type {Gemma3Config} from './config.ts';

type BlockWeight =
  | 'attn_norm'
  | 'attn_q'
  | 'attn_q_norm'
  | 'attn_k'
  | 'attn_k_norm'
  | 'attn_v'
  | 'attn_output'
  | 'post_attention_norm'
  | 'ffn_norm'
  | 'ffn_gate'
  | 'ffn_up'
  | 'ffn_down'
  | 'post_ffw_norm';

interface KeysAndValues {
  keys: CacheTensor;
  values: CacheTensor;
}

/** Token ids → logits: [m][nVocab]. */
export function forwardGemma3(g: GraphBuilder, config: Gemma3Config): Activation {
  let h = embed(g, config); // [n][nEmbd]
  for (const layer of config.layers) h = decoderLayer(g.block(layer.index), config, layer, h);
  return logitsOf(g, config, h);
}

/** h: [n][nEmbd] → [n][nEmbd]. Every branch is normed before and after. `cache`: the layer's own, unless another is given. */
export function decoderLayer(
  g: GraphBuilder,
  config: Pick<Gemma3Config, 'attentionScale'>,
  layer: LayerConfig,
  h: Activation,
  cache: KeysAndValues = g.cache(layer),
): Activation {
  const {add, geglu, linear, rmsNorm} = g;
  const w = g.weights<BlockWeight>();

  const attended = attention(g, config, layer, rmsNorm(h, w.attn_norm), cache);
  h = add(h, rmsNorm(attended, w.post_attention_norm));

  const x = rmsNorm(h, w.ffn_norm);
  const y = linear(w.ffn_down, geglu(linear(w.ffn_gate, x), linear(w.ffn_up, x)));
  return add(h, rmsNorm(y, w.post_ffw_norm));
}

/** x: [n][nEmbd] → [n][nEmbd]. Each head of queries and keys is normed. */
function attention(
  g: GraphBuilder,
  {attentionScale: scale}: Pick<Gemma3Config, 'attentionScale'>,
  layer: LayerConfig,
  x: Activation,
  cache: KeysAndValues,
): Activation {
  const {kvWrite, linear, rmsNorm, rope} = g;
  const {nHead, nHeadKv, headDim, window} = layer;
  const w = g.weights<BlockWeight>();
  const angles = anglesOf(g, layer);

  // q: [n][nHead][headDim]; k, v: [n][nHeadKv][headDim]
  const q = rope(rmsNorm(linear(w.attn_q, x), w.attn_q_norm), angles);
  kvWrite(rope(rmsNorm(linear(w.attn_k, x), w.attn_k_norm), angles), cache.keys);
  kvWrite(linear(w.attn_v, x), cache.values);

  return linear(w.attn_output, g.attention(q, cache, {nHead, nHeadKv, headDim, window, scale, softcap: 0}));
}
