// match_rms in f64.

/** y[r][s] = x[r][s] · rms(target[r]) / max(rms(x[r][s]), √eps); x: [nRows][perTarget][n], target: [nRows][n]. */
export function matchRms(
  x: ArrayLike<number>,
  target: ArrayLike<number>,
  n: number,
  eps: number,
): Float64Array<ArrayBuffer> {
  const perTarget = x.length / target.length;
  const meanSquare = (values: ArrayLike<number>, first: number) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[first + i] ** 2;
    return sum / n;
  };
  const y = new Float64Array(x.length);
  for (let vector = 0; vector * n < x.length; vector++) {
    const wanted = meanSquare(target, Math.floor(vector / perTarget) * n);
    const scale = Math.sqrt(wanted) / Math.sqrt(Math.max(meanSquare(x, vector * n), eps));
    for (let i = vector * n; i < (vector + 1) * n; i++) y[i] = x[i] * scale;
  }
  return y;
}
