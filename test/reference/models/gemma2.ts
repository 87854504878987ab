// Gemma 2's forward pass in float64, up to the last layer's residual stream. The same on the GPU: src/engine/model/gemma2/forward.ts.

import type {Gemma2Config} from '../../../src/engine/model/gemma2/config.ts';
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

type Parts = ReferenceParts<Gemma2Config>;

export class Gemma2Reference implements ReferenceForward {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  run(tokens: readonly number[], trace: Trace): Rows {
    return runLayers(this.#parts, tokens, trace, attention, feedForward);
  }
}

/** h: [n][nEmbd] → RMS(Wo · attention(RMS(h))). No head is normed: the soft cap tames the scores. */
function attention(parts: Parts, layer: LayerConfig, h: Rows): Rows {
  const block = `blk.${layer.index}`;
  const x = rmsNormRows(parts, h, `${block}.attn_norm.weight`);
  const {attentionScale: scale, attentionSoftcap: softcap} = parts.config;
  const attended = scaledAttention(parts, layer, x, {headNorms: false, scale, softcap});
  return normedOutput(parts, `${block}.attn_output.weight`, attended, `${block}.post_attention_norm.weight`);
}
