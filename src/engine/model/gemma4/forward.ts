// Gemma 4's forward pass in reading order, a shape on every buffer: the plain plan, one operation a dispatch.
// n is a step's rows, m the rows that go through the head. The same in float64: test/reference/models/gemma4.ts.
import type {Plan, Rows} from '../../graph/plan.ts';
import {feedForward, normed, perLayerBranch, perLayerInputs, ResidualStream, unscaledAttention} from '../blocks.ts';
import {recordHead} from '../head.ts';
import type {ForwardPass, ModelParts} from '../models.ts';
import type {Gemma4Config, Gemma4Layer} from './config.ts';
import {expertFeedForward} from './experts.ts';

type Parts = ModelParts<Gemma4Config>;

export function recordGemma4(plan: Plan, parts: Parts): ForwardPass {
  const {config, weight} = parts;
  const {nEmbd, layers} = config;
  const stream = new ResidualStream(plan, nEmbd);

  plan.getRows(weight('token_embd.weight'), stream.h, Math.sqrt(nEmbd));
  const perLayer = perLayerInputs(plan, parts, stream.h);
  for (const layer of layers) {
    // Layers behind the last that owns keys and values leave nothing for later steps.
    if (!layer.ownsKv) plan.onlyForOutputs();
    const scale = layer.hasOutputScale
      ? weight(`blk.${layer.index}.layer_output_scale.weight`).slices[0].buffer
      : undefined;

    stream.add(attention(plan, parts, layer, stream.h));
    const branch = layer.experts
      ? expertFeedForward(plan, parts, layer, layer.experts, stream.h)
      : feedForward(plan, parts, layer, stream.h);
    stream.add(branch, perLayer ? undefined : scale);
    if (perLayer) stream.add(perLayerBranch(plan, parts, layer, stream.h, perLayer), scale);
  }
  const body = plan.finish();
  const logits = recordHead(plan, parts, stream.h);
  return {body, head: plan.finish(), logits};
}

/** h: [n][nEmbd] → RMS(Wo · attention(RMS(h))): [n][nEmbd]. */
function attention(plan: Plan, parts: Parts, layer: Gemma4Layer, h: Rows): Rows {
  const x = normed(plan, parts, h, `blk.${layer.index}.attn_norm.weight`);
  return unscaledAttention(plan, parts, layer, x, layer.valuesFromKeys);
}
