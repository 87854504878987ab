// Gemma 3's forward pass in float64, up to the last layer's residual stream. The same on the GPU: models/gemma3.ts.
import type {LayerConfig} from '../../config.ts';
import type {Gemma3Config} from '../../models/gemma3-config.ts';
import type {ReferenceForward, Rows, Trace} from '../forward.ts';
import {
  addRows,
  embeddings,
  feedForward,
  normed,
  normedHeads,
  normedOutput,
  projected,
  type ReferenceParts,
  turnedHeads,
} from '../model-blocks.ts';
import {attend} from '../model-ops.ts';

export class Gemma3Reference implements ReferenceForward {
  readonly #parts: ReferenceParts<Gemma3Config>;

  constructor(parts: ReferenceParts<Gemma3Config>) {
    this.#parts = parts;
  }

  run(tokens: readonly number[], trace: Trace): Rows {
    const parts = this.#parts;
    // h: [n][nEmbd]
    let h = embeddings(parts, tokens);
    trace('inp_scaled', h);
    for (const layer of parts.config.layers) {
      h = addRows(h, this.#attention(layer, h));
      trace(`sa_out-${layer.index}`, h);
      h = addRows(h, feedForward(parts, layer, h));
      trace(`l_out-${layer.index}`, h);
    }
    return h;
  }

  /** h: [n][nEmbd] → RMS(Wo · attention(RMS(h))). */
  #attention(layer: LayerConfig, h: Rows): Rows {
    const parts = this.#parts;
    const block = `blk.${layer.index}`;
    // q: [n][nHead·headDim]; k, v: [n][nHeadKv·headDim]
    const x = normed(parts, h, `${block}.attn_norm.weight`);
    const q = turnedHeads(layer, normedHeads(parts, layer, 'q', projected(parts, layer, 'q', x)));
    const k = turnedHeads(layer, normedHeads(parts, layer, 'k', projected(parts, layer, 'k', x)));
    const v = projected(parts, layer, 'v', x);
    const shape = {...layer, scale: parts.config.attentionScale, softcap: 0};
    const attended = q.map((row, p) => attend(row, k, v, p, shape));
    return normedOutput(parts, `${block}.attn_output.weight`, attended, `${block}.post_attention_norm.weight`);
  }
}
