// Gemma 3's forward pass in float64, up to the last layer's residual stream. The same on the GPU: src/engine/model/gemma3/forward.ts.

import type {Gemma3Config} from '../../../src/engine/model/gemma3/config.ts';
import type {LayerConfig} from '../../../src/engine/model/model-config.ts';
import {
  feedForward,
  normedOutput,
  type ReferenceParts,
  rmsNormRows,
  runLayers,
  scaledAttention,
} from '../model-blocks.ts';
import type {ReferenceForward, Rows, Trace} from '../types.ts';

type Parts = ReferenceParts<Gemma3Config>;

export class Gemma3Reference implements ReferenceForward {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  run(tokens: readonly number[], trace: Trace): Rows {
    return runLayers(this.#parts, tokens, trace, attention, feedForward);
  }
}

/** h: [n][nEmbd] → RMS(Wo · attention(RMS(h))). Queries and keys are normed a head. */
function attention(parts: Parts, layer: LayerConfig, h: Rows): Rows {
  const block = `blk.${layer.index}`;
  const x = rmsNormRows(parts, h, `${block}.attn_norm.weight`);
  const attended = scaledAttention(parts, layer, x, {headNorms: true, scale: parts.config.attentionScale, softcap: 0});
  return normedOutput(parts, `${block}.attn_output.weight`, attended, `${block}.post_attention_norm.weight`);
}
