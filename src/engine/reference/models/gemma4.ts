// Gemma 4's forward pass in float64, up to the last layer's residual stream. The same on the GPU: models/gemma4.ts.
import type {Gemma4Config, Gemma4Layer} from '../../models/gemma4-config.ts';
import type {KeysAndValues, ReferenceForward, Rows, Trace} from '../forward.ts';
import {
  addRows,
  embeddings,
  feedForward,
  normed,
  normedHeads,
  normedOutput,
  perLayerBranch,
  perLayerInputs,
  projected,
  type ReferenceParts,
  turnedHeads,
} from '../model-blocks.ts';
import {attend, rmsNormEach, scaled} from '../model-ops.ts';
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
    const parts = this.#parts;
    const block = `blk.${layer.index}`;
    const factors = layer.ropeFactors ? parts.weights.vector('rope_freqs.weight') : undefined;

    // x: [n][nEmbd]; q: [n][nHead·headDim]
    const x = normed(parts, h, `${block}.attn_norm.weight`);
    const q = turnedHeads(layer, normedHeads(parts, layer, 'q', projected(parts, layer, 'q', x)), factors);
    if (layer.ownsKv) {
      // k, v: [n][nHeadKv·headDim]; v is normed without a weight and not turned.
      const kRaw = projected(parts, layer, 'k', x);
      const vRaw = layer.valuesFromKeys ? kRaw : projected(parts, layer, 'v', x);
      cache[layer.index] = {
        keys: turnedHeads(layer, normedHeads(parts, layer, 'k', kRaw), factors),
        values: vRaw.map((row) => rmsNormEach(row, layer.headDim, parts.config.normEps)),
      };
    }
    const {keys, values} = cache[layer.donor];
    // Scores have no scale: q and k are normed.
    const attended = q.map((row, p) => attend(row, keys, values, p, {...layer, scale: 1, softcap: 0}));

    return addRows(
      h,
      normedOutput(parts, `${block}.attn_output.weight`, attended, `${block}.post_attention_norm.weight`),
    );
  }
}
