// Gemma 4's forward pass in float64, up to the last layer's residual stream. The same on the GPU: src/engine/model/gemma4/forward.ts.
import type {Gemma4Config, Gemma4Layer} from '../../../src/engine/model/gemma4/config.ts';
import {
  addRows,
  embeddings,
  feedForward,
  perLayerBranch,
  perLayerInputs,
  type ReferenceParts,
  rmsNormRows,
  unscaledAttention,
} from '../model-blocks.ts';
import {scaled} from '../model-ops.ts';
import type {KeysAndValues, ReferenceForward, Rows, Trace} from '../types.ts';
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
    const x = rmsNormRows(this.#parts, h, `blk.${layer.index}.attn_norm.weight`);
    return addRows(h, unscaledAttention(this.#parts, layer, x, cache, layer.valuesFromKeys));
  }
}
