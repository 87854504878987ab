// altup_predict in f64.

/** y_i[r] = stream_i[r] + Σ_j coefScale · coefs[r][4i + j] · stream_j[r]; four streams: [nRows][n], coefs: [nRows][16]. */
export function altupPredict(
  streams: readonly ArrayLike<number>[],
  coefs: ArrayLike<number>,
  n: number,
  coefScale: number,
): Float64Array<ArrayBuffer>[] {
  return streams.map((stream, i) =>
    Float64Array.from({length: stream.length}, (_, at) => {
      const row = 16 * Math.floor(at / n);
      const mixture = streams.reduce((sum, other, j) => sum + coefScale * coefs[row + 4 * i + j] * other[at], 0);
      return stream[at] + mixture;
    }),
  );
}
