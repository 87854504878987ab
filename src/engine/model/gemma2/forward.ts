// Gemma 2 (Gemma team, "Gemma 2: improving open language models at a practical size", 2024), in reading order. n is a
// step's rows, m its output rows. The same in float64: test/reference/models/gemma2.ts.
import type {GraphBuilder} from '../../graph/builder.ts';
import type {Activation} from '../../graph/graph.ts';
import {anglesOf, embed, logitsOf} from '../decoder.ts';
import type {LayerConfig} from '../model-config.ts';
import type {Gemma2Config} from './config.ts';

type BlockWeight =
  | 'attn_norm'
  | 'attn_q'
  | 'attn_k'
  | 'attn_v'
  | 'attn_output'
  | 'post_attention_norm'
  | 'ffn_norm'
  | 'ffn_gate'
  | 'ffn_up'
  | 'ffn_down'
  | 'post_ffw_norm';

/** Token ids → logits: [m][nVocab]. */
export function forwardGemma2(g: GraphBuilder, config: Gemma2Config): Activation {
  let h = embed(g, config); // [n][nEmbd]
  for (const layer of config.layers) h = decoderLayer(g.block(layer.index), config, layer, h);
  return logitsOf(g, config, h);
}

/** h: [n][nEmbd] → [n][nEmbd]. Every branch is normed before and after. */
function decoderLayer(g: GraphBuilder, config: Gemma2Config, layer: LayerConfig, h: Activation): Activation {
  const {add, geglu, linear, rmsNorm} = g;
  const w = g.weights<BlockWeight>();

  const attended = attention(g, config, layer, rmsNorm(h, w.attn_norm));
  h = add(h, rmsNorm(attended, w.post_attention_norm));

  const x = rmsNorm(h, w.ffn_norm);
  const y = linear(w.ffn_down, geglu(linear(w.ffn_gate, x), linear(w.ffn_up, x)));
  return add(h, rmsNorm(y, w.post_ffw_norm));
}

/** x: [n][nEmbd] → [n][nEmbd]. Heads are not normed; scores are soft-capped. */
function attention(g: GraphBuilder, config: Gemma2Config, layer: LayerConfig, x: Activation): Activation {
  const {kvWrite, linear, rope} = g;
  const {nHead, nHeadKv, headDim, window} = layer;
  const {attentionScale: scale, attentionSoftcap: softcap} = config;
  const w = g.weights<BlockWeight>();
  const angles = anglesOf(g, layer);
  const cache = g.cache(layer);

  // q: [n][nHead][headDim]; k, v: [n][nHeadKv][headDim]
  const q = rope(linear(w.attn_q, x), angles);
  kvWrite(rope(linear(w.attn_k, x), angles), cache.keys);
  kvWrite(linear(w.attn_v, x), cache.values);

  return linear(w.attn_output, g.attention(q, cache, {nHead, nHeadKv, headDim, window, scale, softcap}));
}
