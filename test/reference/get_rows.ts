// get_rows in f64, from dequantized weights.

/** y[r] = scale · weight[tokens[r]]; weight: [nTokens][n]. */
export function getRows(
  weight: ArrayLike<number>,
  tokens: readonly number[],
  n: number,
  scale = 1,
): Float64Array<ArrayBuffer> {
  const y = new Float64Array(tokens.length * n);
  tokens.forEach((token, r) => {
    for (let i = 0; i < n; i++) y[r * n + i] = scale * weight[token * n + i];
  });
  return y;
}
