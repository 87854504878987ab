// Gemma 3's forward pass in reading order, a shape on every buffer: the plain plan, one operation a dispatch.
// n is a step's rows, m the rows that go through the head. The same in float64: reference/models/gemma3.ts.
import type {LayerConfig} from '../config.ts';
import type {Plan, Rows} from '../plan.ts';
import {feedForward, normed, normedHeads, normedOutput, projected, ResidualStream} from './blocks.ts';
import type {Gemma3Config} from './gemma3-config.ts';
import {recordHead} from './head.ts';
import type {ForwardPass, ModelParts} from './models.ts';

type Parts = ModelParts<Gemma3Config>;

export function recordGemma3(plan: Plan, parts: Parts): ForwardPass {
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

/** h: [n][nEmbd] → RMS(Wo · attention(RMS(h))): [n][nEmbd]. */
function attention(plan: Plan, parts: Parts, layer: LayerConfig, h: Rows): Rows {
  const {nHead, nHeadKv, headDim, window} = layer;
  const block = `blk.${layer.index}`;
  const {keys, values} = parts.cache[layer.index];

  // q: [n][nHead][headDim]; k, v: [n][nHeadKv][headDim]. Queries and keys are normed a head and turned, values are not.
  const x = normed(plan, parts, h, `${block}.attn_norm.weight`);
  const q = normedHeads(plan, parts, layer, 'q', projected(plan, parts, layer, 'q', x));
  const k = normedHeads(plan, parts, layer, 'k', projected(plan, parts, layer, 'k', x));
  plan.kvWrite(k, keys);
  plan.kvWrite(projected(plan, parts, layer, 'v', x), values);

  // attended: [n][nHead][headDim]
  const attended = plan.rows('attended', nHead * headDim);
  const scale = parts.config.attentionScale;
  plan.attention(q, keys, values, attended, {nHead, nHeadKv, headDim, window, scale, softcap: 0});
  return normedOutput(plan, parts, `${block}.attn_output.weight`, attended, `${block}.post_attention_norm.weight`);
}
