// The first Gemma's forward pass in float64, up to the last layer's residual stream. The same on the GPU: models/gemma.ts.
import type {LayerConfig} from '../../config.ts';
import type {GemmaConfig} from '../../models/gemma-config.ts';
import type {ReferenceForward, Rows, Trace} from '../forward.ts';
import {addRows, embeddings, gatedUnits, normed, projected, type ReferenceParts, turnedHeads} from '../model-blocks.ts';
import {attend} from '../model-ops.ts';

export class GemmaReference implements ReferenceForward {
  readonly #parts: ReferenceParts<GemmaConfig>;

  constructor(parts: ReferenceParts<GemmaConfig>) {
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
      h = addRows(h, this.#feedForward(layer, h));
      trace(`l_out-${layer.index}`, h);
    }
    return h;
  }

  /** h: [n][nEmbd] → Wo · attention(RMS(h)). */
  #attention(layer: LayerConfig, h: Rows): Rows {
    const parts = this.#parts;
    const block = `blk.${layer.index}`;
    // q: [n][nHead·headDim]; k, v: [n][nHeadKv·headDim]
    const x = normed(parts, h, `${block}.attn_norm.weight`);
    const q = turnedHeads(layer, projected(parts, layer, 'q', x));
    const k = turnedHeads(layer, projected(parts, layer, 'k', x));
    const v = projected(parts, layer, 'v', x);
    const shape = {...layer, scale: layer.headDim ** -0.5, softcap: 0};
    const attended = q.map((row, p) => attend(row, k, v, p, shape));
    return parts.weights.matrix(`${block}.attn_output.weight`).multiply(attended);
  }

  /** h: [n][nEmbd] → down · (gelu(gate · z) ⊙ up · z), z = RMS(h). */
  #feedForward(layer: LayerConfig, h: Rows): Rows {
    const down = this.#parts.weights.matrix(`blk.${layer.index}.ffn_down.weight`);
    return down.multiply(gatedUnits(this.#parts, layer, h));
  }
}
