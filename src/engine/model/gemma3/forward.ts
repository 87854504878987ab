// Gemma 3's forward pass, a shape on every buffer: the plain plan, one operation a dispatch. n is a step's rows, m the rows
// that go through the head. The same in float64: test/reference/models/gemma3.ts.

import type {Plan, Rows} from '../../graph/plan.ts';
import {feedForward, normed, normedOutput, recordLayers, scaledAttention} from '../blocks.ts';
import type {LayerConfig} from '../config.ts';
import type {ForwardPass, ModelParts} from '../models.ts';
import type {Gemma3Config} from './config.ts';

type Parts = ModelParts<Gemma3Config>;

/** Embeddings · √nEmbd; per layer h ← h + attention(h), h ← h + feedForward(h); head: [m][nVocab]. */
export function recordGemma3(plan: Plan, parts: Parts): ForwardPass {
  return recordLayers(plan, parts, attention, feedForward);
}

/** h: [n][nEmbd] → RMS(Wo · attention(RMS(h))): [n][nEmbd]. Queries and keys are normed a head. */
function attention(plan: Plan, parts: Parts, layer: LayerConfig, h: Rows): Rows {
  const block = `blk.${layer.index}`;
  const x = normed(plan, parts, h, `${block}.attn_norm.weight`);
  const scale = parts.config.attentionScale;
  const attended = scaledAttention(plan, parts, layer, x, {headNorms: true, scale, softcap: 0});
  return normedOutput(plan, parts, `${block}.attn_output.weight`, attended, `${block}.post_attention_norm.weight`);
}
