// Per-layer embeddings, which Gemma 3n, Gemma 4 and EmbeddingGemma 2 have: each layer gets a small vector of its own for every token, by which a
// gate of the residual stream is multiplied. (llama.cpp: `project_per_layer_inputs` in gemma3n-iswa.cpp.)
import type {GraphBuilder} from '../graph/builder.ts';
import type {Activation} from '../graph/graph.ts';
import type {ModelConfig} from './model-config.ts';

/** h0: [n][nEmbd], the embeddings → [n][layers][P]: (table[token] · √P + RMS(proj · h0 / √nEmbd)) / √2. */
export function perLayerInputs(g: GraphBuilder, config: ModelConfig, h0: Activation): Activation {
  const w = g.weights<'per_layer_token_embd'>();
  const token = g.getRows(w.per_layer_token_embd, Math.sqrt(config.nEmbdPerLayer));
  return g.add(token, projectedInputs(g, config, h0), Math.SQRT1_2);
}

/** h0: [n][nEmbd], the embeddings → [n][layers][P]: RMS(proj · h0 / √nEmbd), all that a model without the table has. */
export function projectedInputs(g: GraphBuilder, {nEmbd, normEps}: ModelConfig, h0: Activation): Activation {
  const w = g.weights<'per_layer_model_proj' | 'per_layer_proj_norm'>();
  // RMS(x / √d) with ε is RMS(x) with ε · d: the division is no operation.
  return g.rmsNorm(g.linear(w.per_layer_model_proj, h0), w.per_layer_proj_norm, {eps: normEps * nEmbd});
}

/** h: [n][nEmbd], perLayer: [n][layers][P] → RMS(proj · (gelu(inp_gate · h) ⊙ perLayer[layer])): [n][nEmbd]. */
export function perLayerBranch(
  g: GraphBuilder,
  {nEmbdPerLayer}: ModelConfig,
  layer: number,
  h: Activation,
  perLayer: Activation,
): Activation {
  const w = g.weights<'inp_gate' | 'proj' | 'post_norm'>();
  const gated = g.geglu(g.linear(w.inp_gate, h), perLayer, layer * nEmbdPerLayer); // [n][P]
  return g.rmsNorm(g.linear(w.proj, gated), w.post_norm);
}
