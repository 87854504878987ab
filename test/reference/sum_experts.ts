// sum_experts in f64.

/** y[r][i] = Σ_s weights[r][s] · x[r][s][i]; x: [nRows][used][n], weights: [nRows][used]. */
export function sumExperts(
  x: ArrayLike<number>,
  weights: ArrayLike<number>,
  n: number,
  used: number,
): Float64Array<ArrayBuffer> {
  const y = new Float64Array(x.length / used);
  for (let at = 0; at < x.length; at++) {
    const pair = Math.floor(at / n); // r · used + s
    y[Math.floor(pair / used) * n + (at % n)] += weights[pair] * x[at];
  }
  return y;
}
