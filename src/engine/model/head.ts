// From the residual stream to logits, the same in every architecture: final norm, head, soft cap.

import type {Plan, Rows} from '../graph/plan.ts';
import type {CommonConfig} from './config.ts';
import type {ModelParts} from './models.ts';

/** h: [n][nEmbd] → logits of the output rows: [m][nVocab]. */
export function recordHead(plan: Plan, {config, weight, maxOutputs}: ModelParts<CommonConfig>, h: Rows): Rows {
  const {nEmbd, nVocab, normEps, softcap, tiedHead} = config;
  plan.overOutputs();
  const picked = plan.rows('output rows', nEmbd, maxOutputs);
  const normed = plan.rows('output rows normed', nEmbd, maxOutputs);
  const logits = plan.rows('logits', nVocab, maxOutputs);
  plan.copyOutputRows(h, picked);
  plan.rmsNorm(picked, weight('output_norm.weight'), normed, normEps);
  plan.mulMat(weight(tiedHead ? 'token_embd.weight' : 'output.weight'), normed, logits);
  if (softcap === 0) return logits;
  const capped = plan.rows('logits capped', nVocab, maxOutputs);
  plan.softcap(logits, softcap, capped);
  return capped;
}
