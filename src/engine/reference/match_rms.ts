// match_rms in f64.

/** y[r] = x[r] · rms(target[r]) / max(rms(x[r]), √eps); x, target: [nRows][n]. */
export function matchRms(
  x: ArrayLike<number>,
  target: ArrayLike<number>,
  n: number,
  eps: number,
): Float64Array<ArrayBuffer> {
  const y = new Float64Array(x.length);
  for (let first = 0; first < x.length; first += n) {
    let own = 0;
    let wanted = 0;
    for (let i = first; i < first + n; i++) {
      own += x[i] ** 2;
      wanted += target[i] ** 2;
    }
    const scale = Math.sqrt(wanted / n) / Math.sqrt(Math.max(own / n, eps));
    for (let i = first; i < first + n; i++) y[i] = x[i] * scale;
  }
  return y;
}
