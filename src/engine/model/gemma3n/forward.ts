// Gemma 3n's forward pass in reading order, a shape on every buffer: the plain plan, one operation a dispatch.
// n is a step's rows, m the rows that go through the head. The same in float64: test/reference/models/gemma3n.ts.
import type {Plan, Rows} from '../../graph/plan.ts';
import {gatedUnits, normed, normedOutput, perLayerBranch, perLayerInputs, unscaledAttention} from '../blocks.ts';
import {recordHead} from '../head.ts';
import type {ForwardPass, ModelParts} from '../models.ts';
import {type Gemma3nConfig, type Gemma3nLayer, STREAMS} from './config.ts';

type Parts = ModelParts<Gemma3nConfig>;

/** The four streams of every row: [n][nEmbd] the active one, [n][3][nEmbd] the others. */
interface Streams {
  active: Rows;
  others: Rows;
}

/** Mean squares below it are taken for it. */
const MAGNITUDE_EPS = 1e-5;

export function recordGemma3n(plan: Plan, parts: Parts): ForwardPass {
  const {nEmbd, layers} = parts.config;
  const active = plan.rows('stream 0', nEmbd);
  plan.getRows(parts.weight('token_embd.weight'), active, Math.sqrt(nEmbd));
  const perLayer = perLayerInputs(plan, parts, active)!;
  let streams = {active, others: openStreams(plan, parts, active)};
  for (const layer of layers) {
    // Layers behind the last that owns keys and values leave nothing for later steps.
    if (!layer.ownsKv) plan.onlyForOutputs();
    streams = recordLayer(plan, parts, layer, streams, perLayer);
  }
  plan.onlyForOutputs();
  const h = closeStreams(plan, parts, streams);
  const body = plan.finish();
  const logits = recordHead(plan, parts, h);
  return {body, head: plan.finish(), logits};
}

/** h0: [n][nEmbd] → altup_proj_i · h0, as loud as h0: [n][3][nEmbd]. */
function openStreams(plan: Plan, {config, weight}: Parts, h0: Rows): Rows {
  const {nEmbd} = config;
  const each = plan.stack(STREAMS - 1);
  const raw = plan.rows('streams raw', each.used * nEmbd);
  const others = plan.rows('streams 1 to 3', each.used * nEmbd);
  plan.mulMatId(weight('altup_proj.weight'), {rows: nEmbd, offset: 0, nOut: nEmbd}, h0, each, raw);
  plan.matchRms(raw, h0, MAGNITUDE_EPS, others);
  return others;
}

/** Streams → (active + Σ_i unembd_i · other_i, each as loud as the active one) / 4: [n][nEmbd]. */
function closeStreams(plan: Plan, {config, weight}: Parts, {active, others}: Streams): Rows {
  const {nEmbd} = config;
  const each = plan.stack(STREAMS - 1);
  const raw = plan.rows('streams raw', others.width);
  const loud = plan.rows('streams unembedded', others.width);
  const sum = plan.rows('streams summed', nEmbd);
  const h = plan.rows('stream', nEmbd);
  plan.mulMatId(weight('altup_unembd_proj.weight'), {rows: nEmbd, offset: 0, nOut: nEmbd}, others, each, raw);
  plan.matchRms(raw, active, MAGNITUDE_EPS, loud);
  plan.sumExperts(loud, each, sum);
  plan.addScaled(active, sum, plan.constant('1/4', [1 / STREAMS]), h);
  return h;
}

function recordLayer(plan: Plan, parts: Parts, layer: Gemma3nLayer, streams: Streams, perLayer: Rows): Streams {
  const {config, weight} = parts;
  const {nEmbd} = config;
  const block = `blk.${layer.index}`;
  const one = plan.constant('1', [1]);
  const {active, others} = streams;

  // Predict: in place, all four streams.
  plan.altupPredict(coefficients(plan, parts, layer, active, 'predict'), 1 / nEmbd, active, others);

  // Attention and its low-rank bypass, both from x = RMS(active): [n][nEmbd]
  const x = normed(plan, parts, active, `${block}.attn_norm.weight`);
  const bypass = laurel(plan, parts, layer, x);
  const attended = unscaledAttention(plan, parts, layer, x);
  const gated = plan.rows('attention gated', nEmbd);
  const mixed = plan.rows('attention and laurel', nEmbd);
  plan.addScaled(active, attended, one, gated);
  plan.addScaled(gated, bypass, plan.constant('1/√2', [Math.SQRT1_2]), mixed);

  const activated = plan.rows('activated', nEmbd);
  plan.addScaled(mixed, feedForward(plan, parts, layer, mixed), one, activated);

  // Correct: what the layer made of the active stream moves all four, in place; the per-layer embedding goes into three.
  const scaled = plan.rows('active scaled', nEmbd);
  const coefs = coefficients(plan, parts, layer, activated, 'correct');
  const scale = weight(`${block}.altup_correct_scale.weight`);
  plan.altupCorrect(activated, coefs, 1 / nEmbd, scale, active, others, scaled);
  const next = plan.rows(layer.index % 2 === 0 ? 'streams 1 to 3, next' : 'streams 1 to 3', others.width);
  plan.addScaled(others, perLayerBranch(plan, parts, layer, scaled, perLayer), one, next);
  return {active, others: next};
}

/**
 * x: [n][nEmbd] → nEmbd · coef · tanh(router · RMS(x) / nEmbd): [n][16] or [n][4]. The soft cap is the tanh; its factor
 * of nEmbd is taken back where the coefficients are used.
 */
function coefficients(plan: Plan, parts: Parts, layer: Gemma3nLayer, x: Rows, which: 'predict' | 'correct'): Rows {
  const {config, weight} = parts;
  const block = `blk.${layer.index}`;
  const routed = plan.rows('altup routed', STREAMS);
  const modalities = plan.rows('altup modalities', STREAMS);
  const coefs = plan.rows(`altup ${which}`, which === 'predict' ? STREAMS ** 2 : STREAMS);
  plan.mulMat(
    weight(`${block}.altup_router.weight`),
    normed(plan, parts, x, `${block}.altup_router_norm.weight`),
    routed,
  );
  plan.softcap(routed, config.nEmbd, modalities);
  plan.mulMat(weight(`${block}.altup_${which}_coef.weight`), modalities, coefs);
  return coefs;
}

/** x: [n][nEmbd] → x + RMS(laurel_r · laurel_l · x): [n][nEmbd]. */
function laurel(plan: Plan, parts: Parts, layer: Gemma3nLayer, x: Rows): Rows {
  const block = `blk.${layer.index}`;
  const left = parts.weight(`${block}.laurel_l.weight`);
  const low = plan.rows('laurel low', left.nOut);
  const y = plan.rows('laurel', x.width);
  plan.mulMat(left, x, low);
  const branch = normedOutput(plan, parts, `${block}.laurel_r.weight`, low, `${block}.laurel_post_norm.weight`);
  plan.addScaled(x, branch, plan.constant('1', [1]), y);
  return y;
}

/** h: [n][nEmbd] → RMS(down · (gelu(sparse gate · RMS(h)) ⊙ up · RMS(h))): [n][nEmbd]. */
function feedForward(plan: Plan, parts: Parts, layer: Gemma3nLayer, h: Rows): Rows {
  const {index, ffn, sparsity} = layer;
  const inner = gatedUnits(plan, parts, layer, h, (gate) => {
    if (sparsity === null) return gate;
    const sparse = plan.rows('gate sparse', ffn);
    plan.gaussianTopk(gate, sparsity, sparse);
    return sparse;
  });
  return normedOutput(plan, parts, `blk.${index}.ffn_down.weight`, inner, `blk.${index}.post_ffw_norm.weight`);
}
