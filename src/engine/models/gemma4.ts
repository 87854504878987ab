// Gemma 4's forward pass in reading order, a shape on every buffer: the plain plan, one operation a dispatch.
// n is a step's rows, m the rows that go through the head. The same in float64: reference/models/gemma4.ts.
import type {Plan, Rows} from '../plan.ts';
import type {Gemma4Config, Gemma4Layer} from './gemma4-config.ts';
import {recordHead} from './head.ts';
import type {ForwardPass, ModelParts} from './models.ts';

type Parts = ModelParts<Gemma4Config>;

export function recordGemma4(plan: Plan, parts: Parts): ForwardPass {
  const {config, weight} = parts;
  const {nEmbd, layers} = config;
  const one = plan.constant('1', [1]);

  // The residual stream moves between two buffers: a kernel cannot write what it reads. h, next: [n][nEmbd]
  let h = plan.rows('stream 0', nEmbd);
  let next = plan.rows('stream 1', nEmbd);
  const turn = () => {
    [h, next] = [next, h];
  };

  plan.getRows(weight('token_embd.weight'), h, Math.sqrt(nEmbd));
  const perLayer = perLayerInputs(plan, parts, h);
  for (const layer of layers) {
    // Layers behind the last that owns keys and values leave nothing for later steps.
    if (!layer.ownsKv) plan.onlyForOutputs();
    const block = `blk.${layer.index}`;
    const outputScale = layer.hasOutputScale ? weight(`${block}.layer_output_scale.weight`).slices[0].buffer : one;

    plan.addScaled(h, attention(plan, parts, layer, h), one, next);
    turn();
    plan.addScaled(h, feedForward(plan, parts, layer, h), perLayer ? one : outputScale, next);
    turn();
    if (perLayer) {
      plan.addScaled(h, perLayerBranch(plan, parts, layer, h, perLayer), outputScale, next);
      turn();
    }
  }
  const body = plan.finish();
  const logits = recordHead(plan, parts, h);
  return {body, head: plan.finish(), logits};
}

/** h: [n][nEmbd] → RMS(Wo · attention(RMS(h))): [n][nEmbd]. */
function attention(plan: Plan, {config, weight, frequencies, cache}: Parts, layer: Gemma4Layer, h: Rows): Rows {
  const {nEmbd, normEps} = config;
  const {nHead, nHeadKv, headDim, window} = layer;
  const block = `blk.${layer.index}`;
  const table = frequencies(layer);

  const x = plan.rows('normed', nEmbd);
  plan.rmsNorm(h, weight(`${block}.attn_norm.weight`), x, normEps);

  // q: [n][nHead][headDim], normed a head, then turned.
  const qRaw = plan.rows('q raw', nHead * headDim);
  const qNormed = plan.rows('q normed', nHead * headDim);
  const q = plan.rows('q', nHead * headDim);
  plan.mulMat(weight(`${block}.attn_q.weight`), x, qRaw);
  plan.rmsNorm(qRaw, weight(`${block}.attn_q_norm.weight`), qNormed, normEps, headDim);
  plan.rope(qNormed, headDim, table, q);

  if (layer.ownsKv) {
    const {keys, values} = cache[layer.index];
    // k: [n][nHeadKv][headDim], as q.
    const kRaw = plan.rows('k raw', nHeadKv * headDim);
    const kNormed = plan.rows('k normed', nHeadKv * headDim);
    const k = plan.rows('k', nHeadKv * headDim);
    plan.mulMat(weight(`${block}.attn_k.weight`), x, kRaw);
    plan.rmsNorm(kRaw, weight(`${block}.attn_k_norm.weight`), kNormed, normEps, headDim);
    plan.rope(kNormed, headDim, table, k);
    plan.kvWrite(k, keys);
    // v: [n][nHeadKv][headDim], normed without a weight, not turned.
    const vRaw = layer.valuesFromKeys ? kRaw : plan.rows('v raw', nHeadKv * headDim);
    const v = plan.rows('v', nHeadKv * headDim);
    if (!layer.valuesFromKeys) plan.mulMat(weight(`${block}.attn_v.weight`), x, vRaw);
    plan.rmsNorm(vRaw, null, v, normEps, headDim);
    plan.kvWrite(v, values);
  }

  // attended: [n][nHead][headDim]. Scores have no scale: q and k are normed.
  const attended = plan.rows('attended', nHead * headDim);
  const {keys, values} = cache[layer.donor];
  plan.attention(q, keys, values, attended, {nHead, nHeadKv, headDim, window, scale: 1});

  const output = plan.rows('branch raw', nEmbd);
  const normed = plan.rows('branch', nEmbd);
  plan.mulMat(weight(`${block}.attn_output.weight`), attended, output);
  plan.rmsNorm(output, weight(`${block}.post_attention_norm.weight`), normed, normEps);
  return normed;
}

/** h: [n][nEmbd] → RMS(down · (gelu(gate · RMS(h)) ⊙ up · RMS(h))): [n][nEmbd]. */
function feedForward(plan: Plan, {config, weight}: Parts, layer: Gemma4Layer, h: Rows): Rows {
  const {nEmbd, normEps} = config;
  const block = `blk.${layer.index}`;

  const x = plan.rows('normed', nEmbd);
  plan.rmsNorm(h, weight(`${block}.ffn_norm.weight`), x, normEps);
  // gate, up, inner: [n][ffn]
  const gate = plan.rows('gate', layer.ffn);
  const up = plan.rows('up', layer.ffn);
  const inner = plan.rows('inner', layer.ffn);
  plan.mulMat(weight(`${block}.ffn_gate.weight`), x, gate);
  plan.mulMat(weight(`${block}.ffn_up.weight`), x, up);
  plan.geglu(gate, up, inner);

  const output = plan.rows('branch raw', nEmbd);
  const normed = plan.rows('branch', nEmbd);
  plan.mulMat(weight(`${block}.ffn_down.weight`), inner, output);
  plan.rmsNorm(output, weight(`${block}.post_ffw_norm.weight`), normed, normEps);
  return normed;
}

/**
 * h0: [n][nEmbd] → [n][L · P], layer-major: (table[token] · √P + RMS(proj · h0 / √nEmbd)) / √2, normed a layer.
 * Null where the model has no per-layer embeddings.
 */
function perLayerInputs(plan: Plan, {config, weight}: Parts, h0: Rows): Rows | null {
  const {nEmbd, nEmbdPerLayer, normEps, layers} = config;
  if (nEmbdPerLayer === 0) return null;
  const width = nEmbdPerLayer * layers.length;

  const token = plan.rows('per-layer token', width);
  plan.getRows(weight('per_layer_token_embd.weight'), token, Math.sqrt(nEmbdPerLayer));
  const projected = plan.rows('per-layer projected', width);
  plan.mulMat(weight('per_layer_model_proj.weight'), h0, projected);
  // RMS(x / √d) with ε is RMS(x) with ε · d: the division costs no dispatch.
  const context = plan.rows('per-layer context', width);
  plan.rmsNorm(projected, weight('per_layer_proj_norm.weight'), context, normEps * nEmbd, nEmbdPerLayer);
  const inputs = plan.rows('per-layer inputs', width);
  plan.addScaled(token, context, plan.constant('1/√2', [Math.SQRT1_2]), inputs);
  return inputs;
}

/** h: [n][nEmbd], perLayer: [n][L · P] → RMS(proj · (gelu(inp_gate · h) ⊙ perLayer[layer])): [n][nEmbd]. */
function perLayerBranch(plan: Plan, {config, weight}: Parts, layer: Gemma4Layer, h: Rows, perLayer: Rows): Rows {
  const {nEmbd, nEmbdPerLayer, normEps} = config;
  const block = `blk.${layer.index}`;

  // gate, gated: [n][P]
  const gate = plan.rows('per-layer gate', nEmbdPerLayer);
  const gated = plan.rows('per-layer gated', nEmbdPerLayer);
  plan.mulMat(weight(`${block}.inp_gate.weight`), h, gate);
  plan.geglu(gate, perLayer, gated, layer.index * nEmbdPerLayer);

  const output = plan.rows('branch raw', nEmbd);
  const normed = plan.rows('branch', nEmbd);
  plan.mulMat(weight(`${block}.proj.weight`), gated, output);
  plan.rmsNorm(output, weight(`${block}.post_norm.weight`), normed, normEps);
  return normed;
}
