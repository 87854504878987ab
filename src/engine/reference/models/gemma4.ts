// Gemma 4's forward pass in float64, up to the last layer's residual stream. The same on the GPU: models/gemma4.ts.
import type {Gemma4Config, Gemma4Layer} from '../../models/gemma4-config.ts';
import type {KeysAndValues, ReferenceForward, Rows, Trace} from '../forward.ts';
import {
  addRows,
  embeddings,
  feedForward,
  normed,
  normedOutput,
  perLayerBranch,
  perLayerInputs,
  type ReferenceParts,
} from '../model-blocks.ts';
import {attend, rmsNormEach, rope, scaled} from '../model-ops.ts';
import {expertFeedForward} from './gemma4-experts.ts';

export class Gemma4Reference implements ReferenceForward {
  readonly #parts: ReferenceParts<Gemma4Config>;

  constructor(parts: ReferenceParts<Gemma4Config>) {
    this.#parts = parts;
  }

  run(tokens: readonly number[], trace: Trace): Rows {
    const {layers} = this.#parts.config;
    const {weights} = this.#parts;

    // h: [n][nEmbd]
    let h = embeddings(this.#parts, tokens);
    trace('inp_scaled', h);
    const perLayer = perLayerInputs(this.#parts, tokens, h);

    const cache: KeysAndValues[] = [];
    for (const layer of layers) {
      h = this.#attention(layer, h, cache);
      trace(`attn_out-${layer.index}`, h);
      const branch = layer.experts
        ? expertFeedForward(this.#parts, layer, layer.experts, h, trace)
        : feedForward(this.#parts, layer, h);
      h = addRows(h, branch);
      trace(`ffn_out-${layer.index}`, h);
      if (perLayer) h = addRows(h, perLayerBranch(this.#parts, layer, h, perLayer));
      if (layer.hasOutputScale) {
        const [scale] = weights.vector(`blk.${layer.index}.layer_output_scale.weight`);
        h = h.map((row) => scaled(row, scale));
      }
      trace(`l_out-${layer.index}`, h);
    }
    return h;
  }

  /** h: [n][nEmbd] → h + RMS(Wo · attention(RMS(h))). A layer that owns keys and values adds them to the cache. */
  #attention(layer: Gemma4Layer, h: Rows, cache: KeysAndValues[]): Rows {
    const {config, weights} = this.#parts;
    const {normEps} = config;
    const {headDim, ropeBase} = layer;
    const block = `blk.${layer.index}`;
    const factors = layer.ropeFactors ? weights.vector('rope_freqs.weight') : undefined;

    // x: [n][nEmbd]; q: [n][nHead·headDim]
    const x = normed(this.#parts, h, `${block}.attn_norm.weight`);
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

    return addRows(
      h,
      normedOutput(this.#parts, `${block}.attn_output.weight`, attended, `${block}.post_attention_norm.weight`),
    );
  }
}
