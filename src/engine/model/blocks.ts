// The parts of a forward pass that several architectures have alike, a shape on every buffer. What comes after what is
// in the file of each architecture.

import type {Plan, Rows} from '../graph/plan.ts';
import type {CommonConfig, LayerConfig} from './config.ts';
import {recordHead} from './head.ts';
import type {ForwardPass, ModelParts} from './models.ts';

type Parts = ModelParts<CommonConfig>;

/** h: [n][nEmbd] → RMS(h), weighted by the tensor of this name: [n][nEmbd]. */
export function normed(plan: Plan, {config, weight}: Parts, h: Rows, name: string): Rows {
  const x = plan.rows('normed', config.nEmbd);
  plan.rmsNorm(h, weight(name), x, config.normEps);
  return x;
}

/** x: [n][nEmbd] → the layer's queries [n][nHead][headDim], or keys or values [n][nHeadKv][headDim], as projected. */
export function projected(plan: Plan, {weight}: Parts, layer: LayerConfig, which: 'q' | 'k' | 'v', x: Rows): Rows {
  const heads = which === 'q' ? layer.nHead : layer.nHeadKv;
  const raw = plan.rows(`${which} raw`, heads * layer.headDim);
  plan.mulMat(weight(`blk.${layer.index}.attn_${which}.weight`), x, raw);
  return raw;
}

/** raw: [n][heads][headDim] → each head normed with the layer's weight, then turned by its row's position. */
export function normedHeads(plan: Plan, parts: Parts, layer: LayerConfig, which: 'q' | 'k', raw: Rows): Rows {
  const normed = plan.rows(`${which} normed`, raw.width);
  const norm = parts.weight(`blk.${layer.index}.attn_${which}_norm.weight`);
  plan.rmsNorm(raw, norm, normed, parts.config.normEps, layer.headDim);
  return turnedHeads(plan, parts, layer, which, normed);
}

/** x: [n][heads][headDim] → each head turned by its row's position. */
export function turnedHeads(plan: Plan, parts: Parts, layer: LayerConfig, which: 'q' | 'k', x: Rows): Rows {
  const turned = plan.rows(which, x.width);
  plan.rope(x, layer.headDim, parts.frequencies(layer), turned);
  return turned;
}

/**
 * x: [n][nEmbd], normed → RMS(Wo · attention(x)): [n][nEmbd], as Gemma 3n and 4 have it: queries, keys and values are
 * normed, scores have no scale, and a layer that owns no keys and values attends its donor's.
 */
export function unscaledAttention(plan: Plan, parts: Parts, layer: LayerConfig, x: Rows, valuesFromKeys = false): Rows {
  const {nHead, nHeadKv, headDim, window} = layer;
  const block = `blk.${layer.index}`;
  // q: [n][nHead][headDim]
  const q = normedHeads(plan, parts, layer, 'q', projected(plan, parts, layer, 'q', x));
  if (layer.ownsKv) {
    const {keys, values} = parts.cache[layer.index];
    // k, v: [n][nHeadKv][headDim]; v is normed without a weight and not turned.
    const kRaw = projected(plan, parts, layer, 'k', x);
    plan.kvWrite(normedHeads(plan, parts, layer, 'k', kRaw), keys);
    const vRaw = valuesFromKeys ? kRaw : projected(plan, parts, layer, 'v', x);
    const v = plan.rows('v', nHeadKv * headDim);
    plan.rmsNorm(vRaw, null, v, parts.config.normEps, headDim);
    plan.kvWrite(v, values);
  }
  // attended: [n][nHead][headDim]
  const attended = plan.rows('attended', nHead * headDim);
  const {keys, values} = parts.cache[layer.donor];
  plan.attention(q, keys, values, attended, {nHead, nHeadKv, headDim, window, scale: 1, softcap: 0});
  return normedOutput(plan, parts, `${block}.attn_output.weight`, attended, `${block}.post_attention_norm.weight`);
}

/**
 * x: [n][nEmbd], normed → attended: [n][nHead][headDim], as gemma, gemma2 and gemma3 have it: queries and keys are
 * turned, with `headNorms` normed before; values stay as projected; scores are scaled, then capped.
 */
export function scaledAttention(
  plan: Plan,
  parts: Parts,
  layer: LayerConfig,
  x: Rows,
  {headNorms, scale, softcap}: {headNorms: boolean; scale: number; softcap: number},
): Rows {
  const {nHead, nHeadKv, headDim, window} = layer;
  const {keys, values} = parts.cache[layer.index];
  const turn = headNorms ? normedHeads : turnedHeads;
  // q: [n][nHead][headDim]; k, v: [n][nHeadKv][headDim]
  const q = turn(plan, parts, layer, 'q', projected(plan, parts, layer, 'q', x));
  plan.kvWrite(turn(plan, parts, layer, 'k', projected(plan, parts, layer, 'k', x)), keys);
  plan.kvWrite(projected(plan, parts, layer, 'v', x), values);
  const attended = plan.rows('attended', nHead * headDim);
  plan.attention(q, keys, values, attended, {nHead, nHeadKv, headDim, window, scale, softcap});
  return attended;
}

/** x: [n][nIn] → RMS(W · x), the end of a branch: [n][nEmbd]. */
export function normedOutput(plan: Plan, {config, weight}: Parts, matrix: string, x: Rows, norm: string): Rows {
  const output = plan.rows('branch raw', config.nEmbd);
  const branch = plan.rows('branch', config.nEmbd);
  plan.mulMat(weight(matrix), x, output);
  plan.rmsNorm(output, weight(norm), branch, config.normEps);
  return branch;
}

/** h: [n][nEmbd] → gelu(gate · RMS(h)) ⊙ up · RMS(h): [n][ffn]. `bend` sees the gates before they are activated. */
export function gatedUnits(
  plan: Plan,
  parts: Parts,
  layer: LayerConfig,
  h: Rows,
  bend: (gate: Rows) => Rows = (gate) => gate,
): Rows {
  const {weight} = parts;
  const block = `blk.${layer.index}`;
  const x = normed(plan, parts, h, `${block}.ffn_norm.weight`);
  // gate, up, inner: [n][ffn]
  const gate = plan.rows('gate', layer.ffn);
  const up = plan.rows('up', layer.ffn);
  const inner = plan.rows('inner', layer.ffn);
  plan.mulMat(weight(`${block}.ffn_gate.weight`), x, gate);
  plan.mulMat(weight(`${block}.ffn_up.weight`), x, up);
  plan.geglu(bend(gate), up, inner);
  return inner;
}

/** h: [n][nEmbd] → RMS(down · (gelu(gate · RMS(h)) ⊙ up · RMS(h))): [n][nEmbd]. */
export function feedForward(plan: Plan, parts: Parts, layer: LayerConfig, h: Rows): Rows {
  const block = `blk.${layer.index}`;
  const inner = gatedUnits(plan, parts, layer, h);
  return normedOutput(plan, parts, `${block}.ffn_down.weight`, inner, `${block}.post_ffw_norm.weight`);
}

/**
 * h0: [n][nEmbd] → [n][L · P], layer-major: (table[token] · √P + RMS(proj · h0 / √nEmbd)) / √2, normed a layer.
 * Null where the model has no per-layer embeddings.
 */
export function perLayerInputs(plan: Plan, {config, weight}: Parts, h0: Rows): Rows | null {
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
export function perLayerBranch(plan: Plan, parts: Parts, layer: LayerConfig, h: Rows, perLayer: Rows): Rows {
  const {nEmbdPerLayer} = parts.config;
  const block = `blk.${layer.index}`;

  // gate, gated: [n][P]
  const gate = plan.rows('per-layer gate', nEmbdPerLayer);
  const gated = plan.rows('per-layer gated', nEmbdPerLayer);
  plan.mulMat(parts.weight(`${block}.inp_gate.weight`), h, gate);
  plan.geglu(gate, perLayer, gated, layer.index * nEmbdPerLayer);
  return normedOutput(plan, parts, `${block}.proj.weight`, gated, `${block}.post_norm.weight`);
}

/** The residual stream: [n][nEmbd] in two buffers by turns, for a kernel cannot write what it reads. */
export class ResidualStream {
  h: Rows;
  #next: Rows;
  readonly #plan: Plan;
  readonly #one: GPUBuffer;

  constructor(plan: Plan, nEmbd: number) {
    this.h = plan.rows('stream 0', nEmbd);
    this.#next = plan.rows('stream 1', nEmbd);
    this.#plan = plan;
    this.#one = plan.constant('1', [1]);
  }

  /** h ← (h + branch) · scale[0]; without a scale, · 1. */
  add(branch: Rows, scale = this.#one): void {
    this.#plan.addScaled(this.h, branch, scale, this.#next);
    [this.h, this.#next] = [this.#next, this.h];
  }
}

/** What a layer adds to the stream h: [n][nEmbd] → [n][nEmbd]. */
type Branch<P> = (plan: Plan, parts: P, layer: LayerConfig, h: Rows) => Rows;

/** Embeddings, then attention and feed-forward of each layer, then the head: all that gemma, gemma2 and gemma3 are. */
export function recordLayers<P extends Parts>(
  plan: Plan,
  parts: P,
  attention: Branch<P>,
  feedForward: Branch<P>,
): ForwardPass {
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
