// Gemma 4, in reading order. n is a step's rows, m its output rows. The same in float64: test/reference/models/gemma4.ts.
import type {GraphBuilder} from '../../graph/builder.ts';
import type {Activation} from '../../graph/graph.ts';
import {embed, logitsOf} from '../decoder.ts';
import type {ModelConfig} from '../model-config.ts';
import {perLayerBranch, perLayerInputs} from '../per-layer-embeddings.ts';
import {sharedKvAttention} from '../shared-attention.ts';
import type {Gemma4Config, Gemma4Layer} from './config.ts';
import {mixtureOfExperts} from './experts.ts';

type BlockWeight =
  | 'attn_norm'
  | 'post_attention_norm'
  | 'ffn_norm'
  | 'ffn_gate'
  | 'ffn_up'
  | 'ffn_down'
  | 'post_ffw_norm';
type ExpertWeight = 'post_ffw_norm_1' | 'post_ffw_norm_2';

/** Token ids → logits: [m][nVocab]. */
export function forwardGemma4(g: GraphBuilder, config: Gemma4Config): Activation {
  let h = embed(g, config); // [n][nEmbd]
  const perLayer = config.nEmbdPerLayer > 0 ? perLayerInputs(g, config, h) : null; // [n][layers][nEmbdPerLayer]
  for (const layer of config.layers) h = decoderLayer(g, config, layer, h, perLayer);
  return logitsOf(g, config, h);
}

/** h: [n][nEmbd] → [n][nEmbd]: attention, feed-forward and per-layer embedding, each normed and added, then one scale. */
export function decoderLayer(
  model: GraphBuilder,
  config: ModelConfig & {layers: readonly Gemma4Layer[]},
  layer: Gemma4Layer,
  h: Activation,
  perLayer: Activation | null,
): Activation {
  const g = model.block(layer.index);
  const {add, rmsNorm} = g;
  const w = g.weights<BlockWeight, 'layer_output_scale'>();
  const scale = w.layer_output_scale ?? 1;
  const {rope_freqs} = model.weights<never, 'rope_freqs'>();

  const attended = sharedKvAttention(g, layer, config.layers[layer.kvSource], rmsNorm(h, w.attn_norm), {
    ropeFactors: layer.ropeFactors === null ? null : rope_freqs,
    valuesFromKeys: layer.valuesFromKeys,
  });
  h = add(h, rmsNorm(attended, w.post_attention_norm));

  const y = layer.experts ? denseAndExperts(g, config, layer, h) : feedForward(g, h);
  h = add(h, rmsNorm(y, w.post_ffw_norm), perLayer ? 1 : scale);

  return perLayer ? add(h, perLayerBranch(g, config, layer.index, h, perLayer), scale) : h;
}

/** h: [n][nEmbd] → down · (gelu(gate · x) ⊙ up · x), x = RMS(h): [n][nEmbd]. */
function feedForward(g: GraphBuilder, h: Activation): Activation {
  const {geglu, linear, rmsNorm} = g;
  const w = g.weights<BlockWeight>();
  const x = rmsNorm(h, w.ffn_norm);
  return linear(w.ffn_down, geglu(linear(w.ffn_gate, x), linear(w.ffn_up, x)));
}

/** h: [n][nEmbd] → RMS(feed-forward) + RMS(experts): [n][nEmbd], as 26B-A4B has it. */
function denseAndExperts(g: GraphBuilder, config: ModelConfig, layer: Gemma4Layer, h: Activation): Activation {
  const w = g.weights<ExpertWeight>();
  const dense = g.rmsNorm(feedForward(g, h), w.post_ffw_norm_1);
  const experts = g.rmsNorm(mixtureOfExperts(g, config, layer.experts!, h), w.post_ffw_norm_2);
  return g.add(dense, experts);
}
