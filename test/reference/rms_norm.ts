// rms_norm in f64.

/** y[v][i] = x[v][i] / sqrt(mean_j(x[v][j]²) + eps) · weight[i]; x: [nVectors][n], weight: [n], or none. */
export function rmsNorm(
  x: ArrayLike<number>,
  weight: ArrayLike<number> | undefined,
  n: number,
  eps: number,
): Float64Array<ArrayBuffer> {
  const y = new Float64Array(x.length);
  for (let first = 0; first < x.length; first += n) {
    let squares = 0;
    for (let i = 0; i < n; i++) squares += x[first + i] ** 2;
    const scale = 1 / Math.sqrt(squares / n + eps);
    for (let i = 0; i < n; i++) y[first + i] = x[first + i] * scale * (weight ? weight[i] : 1);
  }
  return y;
}
