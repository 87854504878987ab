// mean_rows on arrays.

/** y[o] = the mean of rows first … first + count − 1 of x: [nRows][n], of each text. */
export function meanRows(
  x: ArrayLike<number>,
  texts: readonly {first: number; count: number}[],
  n: number,
): Float64Array<ArrayBuffer> {
  const y = new Float64Array(texts.length * n);
  texts.forEach(({first, count}, o) => {
    for (let r = first; r < first + count; r++) {
      for (let i = 0; i < n; i++) y[o * n + i] += x[r * n + i] / count;
    }
  });
  return y;
}
