// match_rms_backward in f64.

/** Gradients of both inputs of matchRms; x, dy, dx: [nRows][perTarget][n], target, dtarget: [nRows][n]. */
export function matchRmsBackward(
  x: ArrayLike<number>,
  target: ArrayLike<number>,
  dy: ArrayLike<number>,
  n: number,
  eps: number,
): {dx: Float64Array<ArrayBuffer>; dtarget: Float64Array<ArrayBuffer>} {
  const perTarget = x.length / target.length;
  const [dx, dtarget] = [new Float64Array(x.length), new Float64Array(target.length)];
  const meanProduct = (a: ArrayLike<number>, b: ArrayLike<number>, first: number) => {
    let sum = 0;
    for (let i = first; i < first + n; i++) sum += a[i] * b[i];
    return sum / n;
  };
  for (let vector = 0; vector * n < x.length; vector++) {
    const first = vector * n;
    const firstTarget = Math.floor(vector / perTarget) * n;
    const wanted = Math.sqrt(meanProduct(target, target, firstTarget));
    const mean = meanProduct(x, x, first);
    const rms = Math.sqrt(Math.max(mean, eps));
    const along = meanProduct(dy, x, first);
    for (let i = 0; i < n; i++) {
      const change = mean > eps ? (x[first + i] * along) / mean : 0;
      dx[first + i] = (wanted / rms) * (dy[first + i] - change);
      if (wanted > 0) dtarget[firstTarget + i] += (target[firstTarget + i] * along) / rms / wanted;
    }
  }
  return {dx, dtarget};
}
