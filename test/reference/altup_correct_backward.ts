// altup_correct_backward in f64.

/** Gradients of what altupCorrect reads, from those of its four streams and of `scaled`; all [nRows][n], dcoefs: [nRows][4]. */
export function altupCorrectBackward(
  streams: readonly ArrayLike<number>[],
  activated: ArrayLike<number>,
  coefs: ArrayLike<number>,
  scale: ArrayLike<number>,
  dy: readonly ArrayLike<number>[],
  dscaled: ArrayLike<number>,
  coefScale: number,
): {streams: Float64Array<ArrayBuffer>[]; dactivated: Float64Array<ArrayBuffer>; dcoefs: Float64Array<ArrayBuffer>} {
  const n = scale.length;
  const dcoefs = new Float64Array(coefs.length);
  const dactivated = new Float64Array(activated.length);
  const gradients = dy.map((each) => Float64Array.from(each));
  for (let at = 0; at < activated.length; at++) {
    const row = 4 * Math.floor(at / n);
    gradients[0][at] += scale[at % n] * dscaled[at];
    for (let i = 0; i < 4; i++) {
      dactivated[at] += (1 + coefScale * coefs[row + i]) * gradients[i][at];
      dcoefs[row + i] += coefScale * gradients[i][at] * (activated[at] - streams[0][at]);
    }
    gradients[0][at] -= dactivated[at];
  }
  return {streams: gradients, dactivated, dcoefs};
}
