// altup_correct in f64.

/**
 * y_i[r] = stream_i[r] + (1 + coefScale · coefs[r][i]) · (activated[r] − stream_0[r]), and scaled[r] = y_0[r] ⊙ scale;
 * four streams and activated: [nRows][n], coefs: [nRows][4], scale: [n].
 */
export function altupCorrect(
  streams: readonly ArrayLike<number>[],
  activated: ArrayLike<number>,
  coefs: ArrayLike<number>,
  scale: ArrayLike<number>,
  coefScale: number,
): {streams: Float64Array<ArrayBuffer>[]; scaled: Float64Array<ArrayBuffer>} {
  const n = scale.length;
  const corrected = streams.map((stream, i) =>
    Float64Array.from({length: stream.length}, (_, at) => {
      const coef = 1 + coefScale * coefs[4 * Math.floor(at / n) + i];
      return stream[at] + coef * (activated[at] - streams[0][at]);
    }),
  );
  return {streams: corrected, scaled: corrected[0].map((value, at) => value * scale[at % n])};
}
