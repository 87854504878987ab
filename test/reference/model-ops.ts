// The operations of a transformer in float64, one vector at a time, as their formulas are written in papers. The judge
// of the GPU: slow, plain, and sharing no line with the kernels or their own references.
import {rmsNorm} from '../../src/engine/float64.ts';

export {type AttentionShape, attend, geglu, gelu, rmsNorm, softcap, topExperts} from '../../src/engine/float64.ts';

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

export function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + b[i]);
}

export function scaled(x: Float64Array, factor: number): Float64Array {
  return x.map((value) => value * factor);
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
