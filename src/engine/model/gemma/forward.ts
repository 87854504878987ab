// The first Gemma (Gemma team, "Gemma: open models based on Gemini research and technology", 2024), in reading order.
// n is a step's rows, m its output rows. The same in float64: test/reference/models/gemma.ts.
import type {GraphBuilder} from '../../graph/builder.ts';
import type {Activation} from '../../graph/graph.ts';
import {anglesOf, embed, logitsOf} from '../decoder.ts';
import type {LayerConfig} from '../model-config.ts';
import type {GemmaConfig} from './config.ts';

type BlockWeight =
  | 'attn_norm'
  | 'attn_q'
  | 'attn_k'
  | 'attn_v'
  | 'attn_output'
  | 'ffn_norm'
  | 'ffn_gate'
  | 'ffn_up'
  | 'ffn_down';

/** Token ids → logits: [m][nVocab]. */
export function forwardGemma(g: GraphBuilder, config: GemmaConfig): Activation {
  let h = embed(g, config); // [n][nEmbd]
  for (const layer of config.layers) h = decoderLayer(g.block(layer.index), layer, h);
  return logitsOf(g, config, h);
}

/** h: [n][nEmbd] → [n][nEmbd]. No branch is normed before it is added. */
function decoderLayer(g: GraphBuilder, layer: LayerConfig, h: Activation): Activation {
  const {add, geglu, linear, rmsNorm} = g;
  const w = g.weights<BlockWeight>();

  h = add(h, attention(g, layer, rmsNorm(h, w.attn_norm)));

  const x = rmsNorm(h, w.ffn_norm);
  return add(h, linear(w.ffn_down, geglu(linear(w.ffn_gate, x), linear(w.ffn_up, x))));
}

/** x: [n][nEmbd] → [n][nEmbd]. */
function attention(g: GraphBuilder, layer: LayerConfig, x: Activation): Activation {
  const {kvWrite, linear, rope} = g;
  const {nHead, nHeadKv, headDim, window} = layer;
  const w = g.weights<BlockWeight>();
  const angles = anglesOf(g, layer);
  const cache = g.cache(layer);

  // q: [n][nHead][headDim]; k, v: [n][nHeadKv][headDim]
  const q = rope(linear(w.attn_q, x), angles);
  kvWrite(rope(linear(w.attn_k, x), angles), cache.keys);
  kvWrite(linear(w.attn_v, x), cache.values);

  const scale = headDim ** -0.5;
  return linear(w.attn_output, g.attention(q, cache, {nHead, nHeadKv, headDim, window, scale, softcap: 0}));
}
