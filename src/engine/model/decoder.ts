// What a decoder's ends have alike in every architecture: from a token to the residual stream, from there to logits, and
// the angles its layers rotate by. The layers between are each architecture's own.
import type {GraphBuilder} from '../graph/builder.ts';
import type {Activation, ConstantTensor, WeightTensor} from '../graph/graph.ts';
import type {LayerConfig, ModelConfig} from './model-config.ts';

/** → [n][nEmbd]: embeddings · √nEmbd. */
export function embed(g: GraphBuilder, {nEmbd}: ModelConfig): Activation {
  const w = g.weights<'token_embd'>();
  return g.getRows(w.token_embd, Math.sqrt(nEmbd));
}

/** h: [n][nEmbd] → [m][nVocab]: final norm and head of the output rows, soft-capped where the model is. */
export function logitsOf(g: GraphBuilder, {tiedHead, softcap}: ModelConfig, h: Activation): Activation {
  const w = g.weights<'token_embd' | 'output' | 'output_norm'>();
  const x = g.rmsNorm(g.selectOutputs(h), w.output_norm);
  const logits = g.linear(tiedHead ? w.token_embd : w.output, x);
  return softcap > 0 ? g.softcap(logits, softcap) : logits;
}

/** The angles of a layer's rotary embedding. */
export function anglesOf(
  g: GraphBuilder,
  {headDim, ropeBase: base, ropeScale: scale}: LayerConfig,
  factors: WeightTensor | null = null,
): ConstantTensor {
  return g.ropeAngles({headDim, base, scale, factors});
}
