// The mixture of experts of a Gemma 4 layer (26B-A4B). The same in float64: test/reference/models/gemma4-experts.ts.
import type {ExpertChoice, GraphBuilder} from '../../graph/builder.ts';
import type {Activation} from '../../graph/graph.ts';
import type {ModelConfig} from '../model-config.ts';
import type {Experts} from './config.ts';

type ExpertWeight =
  | 'ffn_gate_inp'
  | 'ffn_gate_inp.scale'
  | 'pre_ffw_norm_2'
  | 'ffn_gate_up_exps'
  | 'ffn_gate_exps'
  | 'ffn_up_exps'
  | 'ffn_down_exps';
/** The second name is that of files which early versions of Ollama made. */
type ExpertScale = 'ffn_down_exps.scale' | 'ffn_gate_inp.per_expert_scale';

/** h: [n][nEmbd] → Σ over a row's experts e of weight_e · down_e · (gelu(gate_e · x) ⊙ up_e · x), x = RMS(h): [n][nEmbd]. */
export function mixtureOfExperts(g: GraphBuilder, config: ModelConfig, experts: Experts, h: Activation): Activation {
  const {geglu, linearById, rmsNorm, sumExperts} = g;
  const {count, nFf, fused} = experts;
  const w = g.weights<ExpertWeight>();
  const choice = route(g, config, experts, h);
  const x = rmsNorm(h, w.pre_ffw_norm_2);

  // gate, up: [n][topK][nFf]. Where they are one tensor, an expert's gate rows come before its up rows.
  const gate = fused
    ? linearById(w.ffn_gate_up_exps, x, choice, {count, offset: 0, nOut: nFf})
    : linearById(w.ffn_gate_exps, x, choice, {count});
  const up = fused
    ? linearById(w.ffn_gate_up_exps, x, choice, {count, offset: nFf, nOut: nFf})
    : linearById(w.ffn_up_exps, x, choice, {count});
  return sumExperts(linearById(w.ffn_down_exps, geglu(gate, up), choice, {count}), choice);
}

/** The router looks at the stream itself: softmax over the topK largest of ffn_gate_inp · (RMS(h) ⊙ scale) / √nEmbd. */
function route(g: GraphBuilder, {nEmbd}: ModelConfig, {topK}: Experts, h: Activation): ExpertChoice {
  const w = g.weights<ExpertWeight, ExpertScale>();
  const logits = g.linear(w.ffn_gate_inp, g.rmsNorm(h, w['ffn_gate_inp.scale'])); // [n][count]
  // The division leaves the order as it is; only the weights need it.
  const scale = w['ffn_down_exps.scale'] ?? w['ffn_gate_inp.per_expert_scale'] ?? null;
  return g.topExperts(logits, topK, 1 / Math.sqrt(nEmbd), scale);
}
