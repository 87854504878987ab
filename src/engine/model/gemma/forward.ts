// The first Gemma's forward pass, a shape on every buffer: the plain plan, one operation a dispatch. n is a step's rows, m the rows
// that go through the head. The same in float64: test/reference/models/gemma.ts.

import type {Plan, Rows} from '../../graph/plan.ts';
import {gatedUnits, normed, recordLayers, scaledAttention} from '../blocks.ts';
import type {LayerConfig} from '../config.ts';
import type {ForwardPass, ModelParts} from '../models.ts';
import type {GemmaConfig} from './config.ts';

type Parts = ModelParts<GemmaConfig>;

/** Embeddings · √nEmbd; per layer h ← h + attention(h), h ← h + feedForward(h); head: [m][nVocab]. */
export function recordGemma(plan: Plan, parts: Parts): ForwardPass {
  return recordLayers(plan, parts, attention, feedForward);
}

/** h: [n][nEmbd] → Wo · attention(RMS(h)): [n][nEmbd]. */
function attention(plan: Plan, parts: Parts, layer: LayerConfig, h: Rows): Rows {
  const block = `blk.${layer.index}`;
  const x = normed(plan, parts, h, `${block}.attn_norm.weight`);
  const scale = layer.headDim ** -0.5;
  const attended = scaledAttention(plan, parts, layer, x, {headNorms: false, scale, softcap: 0});
  return output(plan, parts, `${block}.attn_output.weight`, attended);
}

/** h: [n][nEmbd] → down · (gelu(gate · RMS(h)) ⊙ up · RMS(h)): [n][nEmbd]. */
function feedForward(plan: Plan, parts: Parts, layer: LayerConfig, h: Rows): Rows {
  return output(plan, parts, `blk.${layer.index}.ffn_down.weight`, gatedUnits(plan, parts, layer, h));
}

/** x: [n][nIn] → W · x, the end of a branch: [n][nEmbd]. */
function output(plan: Plan, {config, weight}: Parts, matrix: string, x: Rows): Rows {
  const branch = plan.rows('branch', config.nEmbd);
  plan.mulMat(weight(matrix), x, branch);
  return branch;
}
