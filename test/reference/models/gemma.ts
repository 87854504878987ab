// The first Gemma's forward pass in float64, up to the last layer's residual stream. The same on the GPU: src/engine/model/gemma/forward.ts.

import type {GemmaConfig} from '../../../src/engine/model/gemma/config.ts';
import type {LayerConfig} from '../../../src/engine/model/model-config.ts';
import {gatedMlp, type ReferenceParts, rmsNormRows, runLayers, scaledAttention} from '../model-blocks.ts';
import type {ReferenceForward, Rows, Trace} from '../types.ts';

type Parts = ReferenceParts<GemmaConfig>;

export class GemmaReference implements ReferenceForward {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  run(tokens: readonly number[], trace: Trace): Rows {
    return runLayers(this.#parts, tokens, trace, attention, feedForward);
  }
}

/** h: [n][nEmbd] → Wo · attention(RMS(h)). */
function attention(parts: Parts, layer: LayerConfig, h: Rows): Rows {
  const block = `blk.${layer.index}`;
  const x = rmsNormRows(parts, h, `${block}.attn_norm.weight`);
  const attended = scaledAttention(parts, layer, x, {headNorms: false, scale: layer.headDim ** -0.5, softcap: 0});
  return parts.weights.matrix(`${block}.attn_output.weight`).multiply(attended);
}

/** h: [n][nEmbd] → down · (gelu(gate · z) ⊙ up · z), z = RMS(h). */
function feedForward(parts: Parts, layer: LayerConfig, h: Rows): Rows {
  return parts.weights.matrix(`blk.${layer.index}.ffn_down.weight`).multiply(gatedMlp(parts, layer, h));
}
