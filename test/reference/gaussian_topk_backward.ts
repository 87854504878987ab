// gaussian_topk_backward in f64.
import {gaussianTopk} from './gaussian_topk.ts';

/** The gradient of gaussianTopk's x, with dy: [nRows][n]. */
export function gaussianTopkBackward(
  x: ArrayLike<number>,
  dy: ArrayLike<number>,
  n: number,
  kappa: number,
): Float64Array<ArrayBuffer> {
  const y = gaussianTopk(x, n, kappa);
  const dx = new Float64Array(x.length);
  for (let first = 0; first < x.length; first += n) {
    const row = Array.from({length: n}, (_, i) => x[first + i]);
    const mean = row.reduce((sum, value) => sum + value, 0) / n;
    const std = Math.sqrt(row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n);
    const passed = row.map((_, i) => (y[first + i] > 0 ? dy[first + i] : 0));
    const pull = passed.reduce((sum, value) => sum + value, 0) / n;
    for (let i = 0; i < n; i++) {
      dx[first + i] = passed[i] - pull * (1 + (std > 0 ? (kappa * (row[i] - mean)) / std : 0));
    }
  }
  return dx;
}
