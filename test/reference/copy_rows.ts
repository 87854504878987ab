// copy_rows on arrays.

/** y[o] = x[outputRows[o]]; x: [nRows][n]. */
export function copyRows(x: ArrayLike<number>, outputRows: readonly number[], n: number): Float64Array<ArrayBuffer> {
  const y = new Float64Array(outputRows.length * n);
  outputRows.forEach((row, o) => {
    for (let i = 0; i < n; i++) y[o * n + i] = x[row * n + i];
  });
  return y;
}
