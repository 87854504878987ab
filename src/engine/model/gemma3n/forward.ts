// Gemma 3n, in reading order. n is a step's rows, m its output rows. The same in float64: test/reference/models/gemma3n.ts.
//
// A token has four residual streams, of which layers see one (AltUp: Baykal et al., "Alternating updates for efficient
// transformers", 2023). Beside attention there is a low-rank branch (LAuReL: Menghani et al., "Learned augmented residual
// layer", 2024). The first layers' gates are sparse. (llama.cpp: gemma3n-iswa.cpp.)
import type {GraphBuilder} from '../../graph/builder.ts';
import type {Activation} from '../../graph/graph.ts';
import {embed, logitsOf} from '../decoder.ts';
import {perLayerBranch, perLayerInputs} from '../per-layer-embeddings.ts';
import {sharedKvAttention} from '../shared-attention.ts';
import {type Gemma3nConfig, type Gemma3nLayer, STREAMS} from './config.ts';

type BlockWeight =
  | 'attn_norm'
  | 'post_attention_norm'
  | 'laurel_l'
  | 'laurel_r'
  | 'laurel_post_norm'
  | 'ffn_norm'
  | 'ffn_gate'
  | 'ffn_up'
  | 'ffn_down'
  | 'post_ffw_norm'
  | 'altup_router_norm'
  | 'altup_router'
  | 'altup_predict_coef'
  | 'altup_correct_coef'
  | 'altup_correct_scale';

/** The four streams of every row: [n][nEmbd] the active one, [n][3][nEmbd] the others. */
interface Streams {
  active: Activation;
  others: Activation;
}

/** Mean squares below this are raised to it, where a stream is scaled to the RMS of another. */
const MAGNITUDE_EPS = 1e-5;

/** Token ids → logits: [m][nVocab]. */
export function forwardGemma3n(g: GraphBuilder, config: Gemma3nConfig): Activation {
  const h0 = embed(g, config); // [n][nEmbd]
  const perLayer = perLayerInputs(g, config, h0); // [n][layers][nEmbdPerLayer]
  let streams: Streams = {active: h0, others: openStreams(g, h0)};
  for (const layer of config.layers) streams = decoderLayer(g.block(layer.index), config, layer, streams, perLayer);
  return logitsOf(g, config, closeStreams(g, streams));
}

/** h0: [n][nEmbd] → altup_proj_i · h0, each scaled to the RMS of h0: [n][3][nEmbd]. */
function openStreams(g: GraphBuilder, h0: Activation): Activation {
  const {altup_proj} = g.weights<'altup_proj'>();
  const each = g.everyExpert(STREAMS - 1);
  return g.matchRms(g.linearById(altup_proj, h0, each, {count: STREAMS - 1}), h0, MAGNITUDE_EPS);
}

/** → (active + Σ_i unembd_i · other_i, each scaled to the RMS of the active one) / 4: [n][nEmbd]. */
function closeStreams(g: GraphBuilder, {active, others}: Streams): Activation {
  const {altup_unembd_proj} = g.weights<'altup_unembd_proj'>();
  const each = g.everyExpert(STREAMS - 1);
  const unembedded = g.linearById(altup_unembd_proj, others, each, {count: STREAMS - 1});
  return g.add(active, g.sumExperts(g.matchRms(unembedded, active, MAGNITUDE_EPS), each), 1 / STREAMS);
}

function decoderLayer(
  g: GraphBuilder,
  config: Gemma3nConfig,
  layer: Gemma3nLayer,
  before: Streams,
  perLayer: Activation,
): Streams {
  const {add, rmsNorm} = g;
  const {nEmbd, layers} = config;
  const w = g.weights<BlockWeight>();

  const streams = g.altupPredict(coefficients(g, config, before.active, 'predict'), 1 / nEmbd, before);

  // Attention and its low-rank branch, both of x: [n][nEmbd]
  const x = rmsNorm(streams.active, w.attn_norm);
  const augmented = laurel(g, x);
  const attended = rmsNorm(sharedKvAttention(g, layer, layers[layer.kvSource], x), w.post_attention_norm);
  const h = add(add(streams.active, attended), augmented, Math.SQRT1_2);
  const activated = add(h, feedForward(g, layer, h));

  // What the layer made of the active stream moves all four; the per-layer embedding is added to the other three.
  const coefs = coefficients(g, config, activated, 'correct');
  const corrected = g.altupCorrect(activated, coefs, 1 / nEmbd, w.altup_correct_scale, streams);
  const branch = perLayerBranch(g, config, layer.index, corrected.scaled, perLayer);
  return {active: corrected.active, others: add(corrected.others, branch)};
}

/**
 * x: [n][nEmbd] → nEmbd · coef · tanh(router · RMS(x) / nEmbd): [n][16] to predict, [n][4] to correct. The soft cap is the
 * tanh; AltUp's operations divide by its factor of nEmbd.
 */
function coefficients(
  g: GraphBuilder,
  {nEmbd}: Gemma3nConfig,
  x: Activation,
  which: 'predict' | 'correct',
): Activation {
  const w = g.weights<BlockWeight>();
  const modalities = g.softcap(g.linear(w.altup_router, g.rmsNorm(x, w.altup_router_norm)), nEmbd); // [n][4]
  return g.linear(w[`altup_${which}_coef`], modalities);
}

/** x: [n][nEmbd] → x + RMS(laurel_r · laurel_l · x): [n][nEmbd]. */
function laurel(g: GraphBuilder, x: Activation): Activation {
  const w = g.weights<BlockWeight>();
  return g.add(x, g.rmsNorm(g.linear(w.laurel_r, g.linear(w.laurel_l, x)), w.laurel_post_norm));
}

/** h: [n][nEmbd] → RMS(down · (gelu(gate · x) ⊙ up · x)), x = RMS(h): [n][nEmbd]; the gates of some layers are sparse. */
function feedForward(g: GraphBuilder, {sparsity}: Gemma3nLayer, h: Activation): Activation {
  const {gaussianTopk, geglu, linear, rmsNorm} = g;
  const w = g.weights<BlockWeight>();
  const x = rmsNorm(h, w.ffn_norm);
  const gate = linear(w.ffn_gate, x);
  const up = linear(w.ffn_up, x);
  const inner = geglu(sparsity === null ? gate : gaussianTopk(gate, sparsity), up); // [n][nFf]
  return rmsNorm(linear(w.ffn_down, inner), w.post_ffw_norm);
}
