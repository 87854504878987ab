// The feed-forward of a Gemma 4 layer that has a mixture of experts beside its dense one (26B-A4B), a shape on every
// buffer. The same in float64: test/reference/models/gemma4-experts.ts.
import type {ChosenExperts, Plan, Rows} from '../../graph/plan.ts';
import {gatedUnits, normed} from '../blocks.ts';
import type {ModelParts} from '../models.ts';
import type {Experts, Gemma4Config, Gemma4Layer} from './config.ts';

type Parts = ModelParts<Gemma4Config>;

/** h: [n][nEmbd] → RMS(RMS(dense) + RMS(mixture)): [n][nEmbd]. */
export function expertFeedForward(plan: Plan, parts: Parts, layer: Gemma4Layer, experts: Experts, h: Rows): Rows {
  const {nEmbd, normEps} = parts.config;
  const block = `blk.${layer.index}`;
  const weight = (name: string) => parts.weight(`${block}.${name}.weight`);
  const dense = plan.rows('dense', nEmbd);
  const mixed = plan.rows('mixed', nEmbd);
  const branch = plan.rows('branch', nEmbd);

  const raw = plan.rows('branch raw', nEmbd);
  plan.mulMat(weight('ffn_down'), gatedUnits(plan, parts, layer, h), raw);
  plan.rmsNorm(raw, weight('post_ffw_norm_1'), dense, normEps);
  mixture(plan, parts, block, experts, h, raw);
  plan.rmsNorm(raw, weight('post_ffw_norm_2'), mixed, normEps);

  plan.addScaled(dense, mixed, plan.constant('1', [1]), raw);
  plan.rmsNorm(raw, weight('post_ffw_norm'), branch, normEps);
  return branch;
}

/** h: [n][nEmbd] → y: Σ over a row's experts e of weight_e · down_e · (gelu(gate_e · u) ⊙ up_e · u), u = RMS(h). */
function mixture(plan: Plan, parts: Parts, block: string, experts: Experts, h: Rows, y: Rows): void {
  const {used, ffn, fused} = experts;
  const chosen = route(plan, parts, block, experts, h);
  const u = normed(plan, parts, h, `${block}.pre_ffw_norm_2.weight`);
  const tensor = (name: string) => parts.weight(`${block}.ffn_${name}_exps.weight`);

  // gate, up, inner: [n][used][ffn]. Where they are one tensor, an expert's gate rows come before its up rows.
  const gate = plan.rows('expert gate', used * ffn);
  const up = plan.rows('expert up', used * ffn);
  const inner = plan.rows('expert inner', used * ffn);
  const rows = fused ? 2 * ffn : ffn;
  plan.mulMatId(tensor(fused ? 'gate_up' : 'gate'), {rows, offset: 0, nOut: ffn}, u, chosen, gate);
  plan.mulMatId(tensor(fused ? 'gate_up' : 'up'), {rows, offset: rows - ffn, nOut: ffn}, u, chosen, up);
  plan.geglu(gate, up, inner);

  // outputs: [n][used][nEmbd]
  const outputs = plan.rows('expert outputs', used * y.width);
  plan.mulMatId(tensor('down'), {rows: y.width, offset: 0, nOut: y.width}, inner, chosen, outputs);
  plan.sumExperts(outputs, chosen, y);
}

/** The router looks at the stream itself: logits = ffn_gate_inp · (RMS(h) ⊙ scale) / √nEmbd: [n][count]. */
function route(plan: Plan, parts: Parts, block: string, {count, used, scale}: Experts, h: Rows): ChosenExperts {
  const x = normed(plan, parts, h, `${block}.ffn_gate_inp.scale`);
  const logits = plan.rows('router logits', count);
  plan.mulMat(parts.weight(`${block}.ffn_gate_inp.weight`), x, logits);
  // The order is the same without the division; the weights get it.
  return plan.topExperts(logits, used, 1 / Math.sqrt(parts.config.nEmbd), scale ? parts.weight(scale) : null);
}
