// The parts of a forward pass in float64 that several architectures have alike. What comes after what is in models/*.ts.
import type {LayerConfig, ModelConfig} from '../../src/engine/model/model-config.ts';
import {add, attend, geglu, rmsNorm, rmsNormEach, rope, scaled} from './model-ops.ts';
import type {ReferenceWeights} from './model-weights.ts';
import type {KeysAndValues, Rows, Trace} from './types.ts';

/** A model as its forward pass sees it. */
export interface ReferenceParts<C extends ModelConfig = ModelConfig> {
  config: C;
  weights: ReferenceWeights;
}

/** table[token] · √nEmbd: [n][nEmbd]. */
export function embeddings({config, weights}: ReferenceParts, tokens: readonly number[]): Rows {
  const table = weights.matrix('token_embd.weight');
  const scale = Math.sqrt(config.nEmbd);
  return tokens.map((token) => table.embedding(token).map((x) => x * scale));
}

export function addRows(a: Rows, b: Rows): Rows {
  return a.map((row, t) => add(row, b[t]));
}

/** RMS of each row, weighted by the tensor of this name. */
export function rmsNormRows({config, weights}: ReferenceParts, rows: Rows, name: string): Rows {
  const weight = weights.vector(name);
  return rows.map((row) => rmsNorm(row, config.normEps, weight));
}

/** x: [n][nEmbd] → the layer's queries [n][nHead·headDim], or keys or values [n][nHeadKv·headDim], as projected. */
export function qkvProj({weights}: ReferenceParts, layer: LayerConfig, which: 'q' | 'k' | 'v', x: Rows): Rows {
  return weights.matrix(`blk.${layer.index}.attn_${which}.weight`).multiply(x);
}

/** Each head normed with the layer's weight. */
export function normedHeads({config, weights}: ReferenceParts, layer: LayerConfig, which: 'q' | 'k', rows: Rows): Rows {
  const weight = weights.vector(`blk.${layer.index}.attn_${which}_norm.weight`);
  return rows.map((row) => rmsNormEach(row, layer.headDim, config.normEps, weight));
}

/** Each head turned by its row's position; `factors`: divisors of the angular frequencies. */
export function applyRope({headDim, ropeBase, ropeScale}: LayerConfig, rows: Rows, factors?: Float32Array): Rows {
  return rows.map((row, position) => rope(row, headDim, position / ropeScale, ropeBase, factors));
}

/**
 * x: [n][nEmbd], normed → RMS(Wo · attention(x)), as Gemma 3n and 4 have it: queries, keys and values are rmsNormRows, scores
 * have no scale, a layer that owns keys and values adds them to the cache, and one that does not attends its kvSource's.
 */
export function unscaledAttention(
  parts: ReferenceParts,
  layer: LayerConfig,
  x: Rows,
  cache: KeysAndValues[],
  valuesFromKeys = false,
): Rows {
  const block = `blk.${layer.index}`;
  const factors = layer.ropeFactors ? parts.weights.vector('rope_freqs.weight') : undefined;
  // q: [n][nHead·headDim]
  const q = applyRope(layer, normedHeads(parts, layer, 'q', qkvProj(parts, layer, 'q', x)), factors);
  if (layer.hasKv) {
    // k, v: [n][nHeadKv·headDim]; v is normed without a weight and not rotated.
    const kRaw = qkvProj(parts, layer, 'k', x);
    const vRaw = valuesFromKeys ? kRaw : qkvProj(parts, layer, 'v', x);
    cache[layer.index] = {
      keys: applyRope(layer, normedHeads(parts, layer, 'k', kRaw), factors),
      values: vRaw.map((row) => rmsNormEach(row, layer.headDim, parts.config.normEps)),
    };
  }
  const {keys, values} = cache[layer.kvSource];
  const attended = q.map((row, p) => attend(row, keys, values, p, {...layer, scale: 1, softcap: 0}));
  return normedOutput(parts, `${block}.attn_output.weight`, attended, `${block}.post_attention_norm.weight`);
}

/**
 * x: [n][nEmbd], normed → [n][nHead·headDim], as gemma, gemma2 and gemma3 have attention: queries and keys are rotated,
 * with `headNorms` normed before; values stay as projected; scores are scaled, then capped.
 */
export function scaledAttention(
  parts: ReferenceParts,
  layer: LayerConfig,
  x: Rows,
  {headNorms, scale, softcap}: {headNorms: boolean; scale: number; softcap: number},
): Rows {
  const heads = (which: 'q' | 'k') => {
    const raw = qkvProj(parts, layer, which, x);
    return applyRope(layer, headNorms ? normedHeads(parts, layer, which, raw) : raw);
  };
  const [q, k, v] = [heads('q'), heads('k'), qkvProj(parts, layer, 'v', x)];
  return q.map((row, p) => attend(row, k, v, p, {...layer, scale, softcap}));
}

/** RMS(W · x), the end of a branch. */
export function normedOutput(parts: ReferenceParts, matrix: string, x: Rows, norm: string): Rows {
  return rmsNormRows(parts, parts.weights.matrix(matrix).multiply(x), norm);
}

/** h: [n][nEmbd] → gelu(gate · z) ⊙ up · z, z = RMS(h): [n][nFf]. `bend` sees a row's gates before they are activated. */
export function gatedMlp(
  parts: ReferenceParts,
  layer: LayerConfig,
  h: Rows,
  bend: (gate: Float64Array) => Float64Array = (gate) => gate,
): Rows {
  const block = `blk.${layer.index}`;
  const z = rmsNormRows(parts, h, `${block}.ffn_norm.weight`);
  const gate = parts.weights.matrix(`${block}.ffn_gate.weight`).multiply(z);
  const up = parts.weights.matrix(`${block}.ffn_up.weight`).multiply(z);
  return gate.map((row, t) => geglu(bend(row), up[t]));
}

/** h: [n][nEmbd] → RMS(down · (gelu(gate · z) ⊙ up · z)), z = RMS(h). */
export function feedForward(parts: ReferenceParts, layer: LayerConfig, h: Rows): Rows {
  const block = `blk.${layer.index}`;
  const inner = gatedMlp(parts, layer, h);
  return normedOutput(parts, `${block}.ffn_down.weight`, inner, `${block}.post_ffw_norm.weight`);
}

/**
 * [n][L·P], layer-major: (table[token]·√P + RMS(proj·h0 / √d)) / √2 for each layer's P values. Null where the model has
 * no per-layer embeddings.
 */
export function perLayerInputs({config, weights}: ReferenceParts, tokens: readonly number[], h0: Rows): Rows | null {
  const {nEmbdPerLayer} = config;
  if (nEmbdPerLayer === 0) return null;
  const table = weights.matrix('per_layer_token_embd.weight');
  return projectedInputs({config, weights}, h0).map((context, t) => {
    const token = Float64Array.from(table.row(tokens[t]), (x) => x * Math.sqrt(nEmbdPerLayer));
    return scaled(add(token, context), Math.SQRT1_2);
  });
}

/** [n][L·P], layer-major: RMS(proj·h0 / √d) for each layer's P values. */
export function projectedInputs({config, weights}: ReferenceParts, h0: Rows): Rows {
  const {nEmbd, nEmbdPerLayer, normEps} = config;
  const norm = weights.vector('per_layer_proj_norm.weight');
  const projected = weights.matrix('per_layer_model_proj.weight').multiply(h0);
  return projected.map((row) => rmsNormEach(scaled(row, 1 / Math.sqrt(nEmbd)), nEmbdPerLayer, normEps, norm));
}

/** h: [n][nEmbd], perLayer: [n][L·P] → RMS(proj · (gelu(inp_gate·h) ⊙ perLayer[layer])). */
export function perLayerBranch(parts: ReferenceParts, layer: LayerConfig, h: Rows, perLayer: Rows): Rows {
  const {nEmbdPerLayer} = parts.config;
  const block = `blk.${layer.index}`;
  const from = layer.index * nEmbdPerLayer;
  const gate = parts.weights.matrix(`${block}.inp_gate.weight`).multiply(h);
  const gated = gate.map((row, t) => geglu(row, perLayer[t].subarray(from, from + nEmbdPerLayer)));
  return normedOutput(parts, `${block}.proj.weight`, gated, `${block}.post_norm.weight`);
}

/** What a layer adds to the stream: [n][nEmbd] → [n][nEmbd]. */
type Branch<P> = (parts: P, layer: LayerConfig, h: Rows) => Rows;

/** Embeddings, then attention and feed-forward of each layer: all that gemma, gemma2 and gemma3 are before the head. */
export function runLayers<P extends ReferenceParts>(
  parts: P,
  tokens: readonly number[],
  trace: Trace,
  attention: Branch<P>,
  feedForward: Branch<P>,
): Rows {
  // h: [n][nEmbd]
  let h = embeddings(parts, tokens);
  trace('inp_scaled', h);
  for (const layer of parts.config.layers) {
    h = addRows(h, attention(parts, layer, h));
    trace(`sa_out-${layer.index}`, h);
    h = addRows(h, feedForward(parts, layer, h));
    trace(`l_out-${layer.index}`, h);
  }
  return h;
}
