// The first Gemma's forward pass in reading order, a shape on every buffer: the plain plan, one operation a dispatch.
// n is a step's rows, m the rows that go through the head. The same in float64: reference/models/gemma.ts.
import type {LayerConfig} from '../config.ts';
import type {Plan, Rows} from '../plan.ts';
import {gatedUnits, normed, projected, ResidualStream, turnedHeads} from './blocks.ts';
import type {GemmaConfig} from './gemma-config.ts';
import {recordHead} from './head.ts';
import type {ForwardPass, ModelParts} from './models.ts';

type Parts = ModelParts<GemmaConfig>;

export function recordGemma(plan: Plan, parts: Parts): ForwardPass {
  const {nEmbd, layers} = parts.config;
  const stream = new ResidualStream(plan, nEmbd);

  plan.getRows(parts.weight('token_embd.weight'), stream.h, Math.sqrt(nEmbd));
  for (const layer of layers) {
    stream.add(attention(plan, parts, layer, stream.h));
    stream.add(feedForward(plan, parts, layer, stream.h));
  }
  const body = plan.finish();
  const logits = recordHead(plan, parts, stream.h);
  return {body, head: plan.finish(), logits};
}

/** h: [n][nEmbd] → Wo · attention(RMS(h)): [n][nEmbd]. */
function attention(plan: Plan, parts: Parts, layer: LayerConfig, h: Rows): Rows {
  const {nHead, nHeadKv, headDim, window} = layer;
  const block = `blk.${layer.index}`;
  const {keys, values} = parts.cache[layer.index];

  // q: [n][nHead][headDim]; k, v: [n][nHeadKv][headDim]
  const x = normed(plan, parts, h, `${block}.attn_norm.weight`);
  const q = turnedHeads(plan, parts, layer, 'q', projected(plan, parts, layer, 'q', x));
  const k = turnedHeads(plan, parts, layer, 'k', projected(plan, parts, layer, 'k', x));
  plan.kvWrite(k, keys);
  plan.kvWrite(projected(plan, parts, layer, 'v', x), values);

  // attended: [n][nHead][headDim]
  const attended = plan.rows('attended', nHead * headDim);
  plan.attention(q, keys, values, attended, {nHead, nHeadKv, headDim, window, scale: headDim ** -0.5, softcap: 0});
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
