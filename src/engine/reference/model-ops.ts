// The operations of a transformer in float64, one vector at a time, as their formulas are written in papers. The judge
// of the GPU: slow, plain, and sharing no line with the kernels or their own references.

/** y[i] = x[i] / sqrt(mean(x²) + eps) · weight[i]; without a weight, · 1. */
export function rmsNorm(x: Float64Array, eps: number, weight?: Float32Array): Float64Array {
  let squares = 0;
  for (const value of x) squares += value * value;
  const scale = 1 / Math.sqrt(squares / x.length + eps);
  return x.map((value, i) => value * scale * (weight ? weight[i] : 1));
}

/** `rmsNorm` of each of x's consecutive vectors of `size`. */
export function rmsNormEach(x: Float64Array, size: number, eps: number, weight?: Float32Array): Float64Array {
  const y = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += size) y.set(rmsNorm(x.subarray(at, at + size), eps, weight), at);
  return y;
}

/**
 * Rotates each head of x: f64[n_heads][headDim] by its position. NeoX pairing: i with i + headDim/2.
 * θ_i = base^(−2i / headDim) / factors[i]; the angle is position · θ_i.
 */
export function rope(
  x: Float64Array,
  headDim: number,
  position: number,
  base: number,
  factors?: Float32Array,
): Float64Array {
  const y = new Float64Array(x.length);
  const half = headDim / 2;
  for (let head = 0; head < x.length; head += headDim) {
    for (let i = 0; i < half; i++) {
      const angle = (position * base ** ((-2 * i) / headDim)) / (factors ? factors[i] : 1);
      const a = x[head + i];
      const b = x[head + i + half];
      y[head + i] = a * Math.cos(angle) - b * Math.sin(angle);
      y[head + i + half] = a * Math.sin(angle) + b * Math.cos(angle);
    }
  }
  return y;
}

/** gelu(u) = ½u(1 + tanh(√(2/π)(u + 0.044715u³))). */
export function gelu(u: number): number {
  return 0.5 * u * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (u + 0.044715 * u ** 3)));
}

/** y[i] = gelu(gate[i]) · up[i]. */
export function geglu(gate: Float64Array, up: Float64Array): Float64Array {
  return gate.map((value, i) => gelu(value) * up[i]);
}

export function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + b[i]);
}

export function scaled(x: Float64Array, factor: number): Float64Array {
  return x.map((value) => value * factor);
}

export interface AttentionShape {
  nHead: number;
  nHeadKv: number;
  headDim: number;
  /** Keys a query sees, its own included; 0 sees all. */
  window: number;
  /** What scores are multiplied by. */
  scale: number;
  /** Scores are bent into ±softcap after that; 0: they are not. */
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

/** Gemma 3n's activation sparsity: max(x − (mean + κ·std), 0), the variance over all values. */
export function sparse(x: Float64Array, kappa: number): Float64Array {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  return x.map((value) => Math.max(value - mean - kappa * Math.sqrt(variance), 0));
}

/** x scaled to the root mean square of `like`; a mean square of x below 1e-5 is taken for that. */
export function withMagnitudeOf(like: Float64Array, x: Float64Array): Float64Array {
  const meanSquare = (values: Float64Array) => values.reduce((sum, value) => sum + value * value, 0) / values.length;
  return scaled(x, Math.sqrt(meanSquare(like) / Math.max(meanSquare(x), 1e-5)));
}
