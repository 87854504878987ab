// The operations that the self-test checks, in float64 as their formulas are written in papers: one vector at a time, slow,
// and sharing no code with the kernels.

/** y[i] = x[i] / sqrt(mean(x²) + eps) · weight[i]; without a weight, · 1. */
export function rmsNorm(x: Float64Array, eps: number, weight?: Float32Array): Float64Array {
  let squares = 0;
  for (const value of x) squares += value * value;
  const scale = 1 / Math.sqrt(squares / x.length + eps);
  return x.map((value, i) => value * scale * (weight ? weight[i] : 1));
}

/** gelu(u) = ½u(1 + tanh(√(2/π)(u + 0.044715u³))). */
export function gelu(u: number): number {
  return 0.5 * u * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (u + 0.044715 * u ** 3)));
}

/** y[i] = gelu(gate[i]) · up[i]. */
export function geglu(gate: Float64Array, up: Float64Array): Float64Array {
  return gate.map((value, i) => gelu(value) * up[i]);
}

/** The sizes of an attention, and how it scores. */
export interface AttentionShape {
  nHead: number;
  nHeadKv: number;
  headDim: number;
  /** Keys a query sees, its own included; 0 sees all. */
  window: number;
  /** What scores are multiplied by. */
  scale: number;
  /** Then soft-capped: cap · tanh(score / cap); 0: they are not. */
  softcap: number;
}

/**
 * One query row against the keys and values of positions 0 … position.
 * @param q f64[nHead][headDim]
 * @param keys, values by position, each f64[nHeadKv][headDim]
 * @returns f64[nHead][headDim]
 */
export function attend(
  q: Float64Array,
  keys: readonly Float64Array[],
  values: readonly Float64Array[],
  position: number,
  {nHead, nHeadKv, headDim, window, scale, softcap: cap}: AttentionShape,
): Float64Array {
  const y = new Float64Array(nHead * headDim);
  const first = window > 0 ? Math.max(0, position - window + 1) : 0;
  for (let head = 0; head < nHead; head++) {
    const kv = Math.floor((head * nHeadKv) / nHead) * headDim;
    let scores: number[] = [];
    for (let p = first; p <= position; p++) {
      let score = 0;
      for (let i = 0; i < headDim; i++) score += q[head * headDim + i] * keys[p][kv + i];
      scores.push(score * scale);
    }
    if (cap > 0) scores = scores.map((score) => cap * Math.tanh(score / cap));
    const max = scores.reduce((a, b) => Math.max(a, b));
    const weights = scores.map((score) => Math.exp(score - max));
    const total = weights.reduce((a, b) => a + b);
    weights.forEach((weight, n) => {
      const value = values[first + n];
      for (let i = 0; i < headDim; i++) y[head * headDim + i] += (weight / total) * value[kv + i];
    });
  }
  return y;
}

/**
 * The `used` largest of a router's logits, the lowest index first among equals, with the softmax over those chosen
 * (the same as a softmax over all, then renormalised).
 */
export function topExperts(logits: Float64Array, used: number): {expert: number; weight: number}[] {
  const chosen = Array.from(logits.keys())
    .sort((a, b) => logits[b] - logits[a] || a - b)
    .slice(0, used);
  const exponentials = chosen.map((expert) => Math.exp(logits[expert] - logits[chosen[0]]));
  const total = exponentials.reduce((a, b) => a + b);
  return chosen.map((expert, n) => ({expert, weight: exponentials[n] / total}));
}

/** cap·tanh(x / cap); cap 0 leaves x. */
export function softcap(x: Float64Array, cap: number): Float64Array {
  return cap === 0 ? x : x.map((value) => cap * Math.tanh(value / cap));
}
