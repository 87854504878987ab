// Gemma 4's forward pass in float64, up to the last layer's residual stream. The same on the GPU: models/gemma4.ts.
import type {Gemma4Config, Gemma4Layer} from '../../models/gemma4-config.ts';
import type {KeysAndValues, ReferenceForward, Rows, Trace} from '../forward.ts';
import {add, attend, geglu, rmsNorm, rmsNormEach, rope, scaled} from '../model-ops.ts';
import type {ReferenceWeights} from '../model-weights.ts';

export class Gemma4Reference implements ReferenceForward {
  readonly config: Gemma4Config;
  readonly #weights: ReferenceWeights;

  constructor(config: Gemma4Config, weights: ReferenceWeights) {
    this.config = config;
    this.#weights = weights;
  }

  run(tokens: readonly number[], trace: Trace): Rows {
    const {nEmbd, layers} = this.config;
    const weights = this.#weights;

    // h: [n][nEmbd]
    const embedding = weights.matrix('token_embd.weight');
    let h: Rows = tokens.map((token) => Float64Array.from(embedding.row(token), (x) => x * Math.sqrt(nEmbd)));
    trace('inp_scaled', h);
    const perLayer = this.#perLayerInputs(tokens, h);

    const cache: KeysAndValues[] = [];
    for (const layer of layers) {
      h = this.#attention(layer, h, cache);
      trace(`attn_out-${layer.index}`, h);
      h = this.#feedForward(layer, h);
      trace(`ffn_out-${layer.index}`, h);
      if (perLayer) h = this.#injectPerLayer(layer, h, perLayer);
      if (layer.hasOutputScale) {
        const [scale] = weights.vector(`blk.${layer.index}.layer_output_scale.weight`);
        h = h.map((row) => scaled(row, scale));
      }
      trace(`l_out-${layer.index}`, h);
    }
    return h;
  }

  /** [n][L·P], layer-major: (table[token]·√P + RMS(proj·h0 / √d)) / √2 for each layer's P values. */
  #perLayerInputs(tokens: readonly number[], h0: Rows): Rows | null {
    const {nEmbd, nEmbdPerLayer, normEps} = this.config;
    if (nEmbdPerLayer === 0) return null;
    const table = this.#weights.matrix('per_layer_token_embd.weight');
    const norm = this.#weights.vector('per_layer_proj_norm.weight');
    const projected = this.#weights.matrix('per_layer_model_proj.weight').multiply(h0);
    return projected.map((row, t) => {
      const context = rmsNormEach(scaled(row, 1 / Math.sqrt(nEmbd)), nEmbdPerLayer, normEps, norm);
      const token = Float64Array.from(table.row(tokens[t]), (x) => x * Math.sqrt(nEmbdPerLayer));
      return scaled(add(token, context), Math.SQRT1_2);
    });
  }

  /** h: [n][nEmbd] → h + RMS(Wo · attention(RMS(h))). A layer that owns keys and values adds them to the cache. */
  #attention(layer: Gemma4Layer, h: Rows, cache: KeysAndValues[]): Rows {
    const {normEps} = this.config;
    const {headDim, ropeBase} = layer;
    const block = `blk.${layer.index}`;
    const weights = this.#weights;
    const factors = layer.ropeFactors ? weights.vector('rope_freqs.weight') : undefined;

    // x: [n][nEmbd]; q: [n][nHead·headDim]
    const inputNorm = weights.vector(`${block}.attn_norm.weight`);
    const x = h.map((row) => rmsNorm(row, normEps, inputNorm));
    const qNorm = weights.vector(`${block}.attn_q_norm.weight`);
    const q = weights
      .matrix(`${block}.attn_q.weight`)
      .multiply(x)
      .map((row, p) => rope(rmsNormEach(row, headDim, normEps, qNorm), headDim, p, ropeBase, factors));

    if (layer.ownsKv) {
      // k, v: [n][nHeadKv·headDim]; v is normed without a weight and not rotated.
      const kNorm = weights.vector(`${block}.attn_k_norm.weight`);
      const kRaw = weights.matrix(`${block}.attn_k.weight`).multiply(x);
      const vRaw = layer.valuesFromKeys ? kRaw : weights.matrix(`${block}.attn_v.weight`).multiply(x);
      const keys = kRaw.map((row, p) => rope(rmsNormEach(row, headDim, normEps, kNorm), headDim, p, ropeBase, factors));
      const values = vRaw.map((row) => rmsNormEach(row, headDim, normEps));
      cache[layer.index] = {keys, values};
    }
    const {keys, values} = cache[layer.donor];
    const attended = q.map((row, p) => attend(row, keys, values, p, layer));

    const postNorm = weights.vector(`${block}.post_attention_norm.weight`);
    const output = weights.matrix(`${block}.attn_output.weight`).multiply(attended);
    return h.map((row, t) => add(row, rmsNorm(output[t], normEps, postNorm)));
  }

  /** h: [n][nEmbd] → h + RMS(down · (gelu(gate·z) ⊙ up·z)), z = RMS(h). */
  #feedForward(layer: Gemma4Layer, h: Rows): Rows {
    const {normEps} = this.config;
    const block = `blk.${layer.index}`;
    const weights = this.#weights;
    const inputNorm = weights.vector(`${block}.ffn_norm.weight`);
    const z = h.map((row) => rmsNorm(row, normEps, inputNorm));
    // gate, up: [n][ffn]
    const gate = weights.matrix(`${block}.ffn_gate.weight`).multiply(z);
    const up = weights.matrix(`${block}.ffn_up.weight`).multiply(z);
    const inner = gate.map((row, t) => geglu(row, up[t]));
    const postNorm = weights.vector(`${block}.post_ffw_norm.weight`);
    const output = weights.matrix(`${block}.ffn_down.weight`).multiply(inner);
    return h.map((row, t) => add(row, rmsNorm(output[t], normEps, postNorm)));
  }

  /** h: [n][nEmbd], perLayer: [n][L·P] → h + RMS(proj · (gelu(inp_gate·h) ⊙ perLayer[layer])). */
  #injectPerLayer(layer: Gemma4Layer, h: Rows, perLayer: Rows): Rows {
    const {nEmbdPerLayer, normEps} = this.config;
    const block = `blk.${layer.index}`;
    const weights = this.#weights;
    const from = layer.index * nEmbdPerLayer;
    const gate = weights.matrix(`${block}.inp_gate.weight`).multiply(h);
    const gated = gate.map((row, t) => geglu(row, perLayer[t].subarray(from, from + nEmbdPerLayer)));
    const postNorm = weights.vector(`${block}.post_norm.weight`);
    const output = weights.matrix(`${block}.proj.weight`).multiply(gated);
    return h.map((row, t) => add(row, rmsNorm(output[t], normEps, postNorm)));
  }
}
