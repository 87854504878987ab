// The feed-forward of a Gemma 4 layer with experts in float64. The same on the GPU: models/gemma4-experts.ts.
import type {Experts, Gemma4Config, Gemma4Layer} from '../../../src/engine/model/gemma4/config.ts';
import {addRows, gatedMlp, normedOutput, type ReferenceParts, rmsNormRows} from '../model-blocks.ts';
import {add, geglu, scaled, topExperts} from '../model-ops.ts';
import type {Rows, Trace} from '../types.ts';

type Parts = ReferenceParts<Gemma4Config>;

/** h: [n][nEmbd] → RMS(RMS(dense) + RMS(mixture)): [n][nEmbd]. */
export function expertFeedForward(parts: Parts, layer: Gemma4Layer, experts: Experts, h: Rows, trace: Trace): Rows {
  const block = `blk.${layer.index}`;
  const inner = gatedMlp(parts, layer, h);
  const dense = normedOutput(parts, `${block}.ffn_down.weight`, inner, `${block}.post_ffw_norm_1.weight`);
  const logits = routerLogits(parts, block, h);
  trace(`ffn_moe_logits-${layer.index}`, logits);
  const mixed = rmsNormRows(parts, mixture(parts, block, experts, h, logits), `${block}.post_ffw_norm_2.weight`);
  return rmsNormRows(parts, addRows(dense, mixed), `${block}.post_ffw_norm.weight`);
}

/** h: [n][nEmbd] → ffn_gate_inp · (RMS(h) / √nEmbd ⊙ scale): [n][count]. */
function routerLogits(parts: Parts, block: string, h: Rows): Rows {
  const x = rmsNormRows(parts, h, `${block}.ffn_gate_inp.scale`).map((row) => scaled(row, 1 / Math.sqrt(row.length)));
  return parts.weights.matrix(`${block}.ffn_gate_inp.weight`).multiply(x);
}

/** Σ over a row's experts e of weight_e · scale_e · down_e · (gelu(gate_e · u) ⊙ up_e · u), u = RMS(h): [n][nEmbd]. */
function mixture(parts: Parts, block: string, experts: Experts, h: Rows, logits: Rows): Rows {
  const {weights, config} = parts;
  const {count, topK, nFf, fused} = experts;
  const u = rmsNormRows(parts, h, `${block}.pre_ffw_norm_2.weight`);
  const chosen = logits.map((row) => topExperts(row, topK));
  const gate = weights.matrix(`${block}.ffn_gate_${fused ? 'up_' : ''}exps.weight`);
  const up = weights.matrix(`${block}.ffn_${fused ? 'gate_' : ''}up_exps.weight`);
  const down = weights.matrix(`${block}.ffn_down_exps.weight`);
  const scale = experts.scale ? weights.vector(experts.scale) : null;

  const y: Rows = h.map(() => new Float64Array(config.nEmbd));
  for (let expert = 0; expert < count; expert++) {
    // The rows that chose this expert, and how much it says there.
    const users = chosen.flatMap((choices, t) =>
      choices.filter((choice) => choice.expert === expert).map(({weight}) => ({t, weight})),
    );
    const x = users.map(({t}) => u[t]);
    // One expert's rows of a fused tensor: all of gate, then all of up.
    const first = expert * (fused ? 2 * nFf : nFf);
    const gated = gate.multiplyRows(x, first, nFf);
    const lifted = up.multiplyRows(x, fused ? first + nFf : first, nFf);
    const inner = gated.map((row, i) => geglu(row, lifted[i]));
    const output = down.multiplyRows(inner, expert * config.nEmbd, config.nEmbd);
    users.forEach(({t, weight}, i) => {
      y[t] = add(y[t], scaled(output[i], weight * (scale ? scale[expert] : 1)));
    });
  }
  return y;
}
