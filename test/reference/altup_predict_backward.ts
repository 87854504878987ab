// altup_predict_backward in f64.

/** Gradients of altupPredict's four streams and of its coefs, from those of its results: four, [nRows][n] each. */
export function altupPredictBackward(
  streams: readonly ArrayLike<number>[],
  coefs: ArrayLike<number>,
  dy: readonly ArrayLike<number>[],
  n: number,
  coefScale: number,
): {streams: Float64Array<ArrayBuffer>[]; dcoefs: Float64Array<ArrayBuffer>} {
  const dcoefs = new Float64Array(coefs.length);
  const gradients = dy.map((each) => Float64Array.from(each));
  for (let at = 0; at < dy[0].length; at++) {
    const row = 16 * Math.floor(at / n);
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 4; j++) {
        gradients[j][at] += coefScale * coefs[row + 4 * i + j] * dy[i][at];
        dcoefs[row + 4 * i + j] += coefScale * dy[i][at] * streams[j][at];
      }
    }
  }
  return {streams: gradients, dcoefs};
}
