// gaussian_topk in f64.

/** y[r][i] = max(x[r][i] − (mean(x[r]) + kappa · std(x[r])), 0), the variance over all n values; x: [nRows][n]. */
export function gaussianTopk(x: ArrayLike<number>, n: number, kappa: number): Float64Array<ArrayBuffer> {
  const y = new Float64Array(x.length);
  for (let first = 0; first < x.length; first += n) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += x[first + i];
    const mean = sum / n;
    let squares = 0;
    for (let i = 0; i < n; i++) squares += (x[first + i] - mean) ** 2;
    const cutoff = mean + kappa * Math.sqrt(squares / n);
    for (let i = 0; i < n; i++) y[first + i] = Math.max(x[first + i] - cutoff, 0);
  }
  return y;
}
