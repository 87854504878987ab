// geglu in f64.

/** ½u(1 + tanh(√(2/π)(u + 0.044715u³))). */
export function geluTanh(u: number): number {
  return 0.5 * u * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (u + 0.044715 * u ** 3)));
}

/** y[r][i] = gelu(gate[r][i]) · up[r][upOffset + i]; gate: [nRows][n], up: [nRows][upStride]. */
export function geglu(
  gate: ArrayLike<number>,
  up: ArrayLike<number>,
  n: number,
  upStride = n,
  upOffset = 0,
): Float64Array<ArrayBuffer> {
  return Float64Array.from(
    {length: gate.length},
    (_, i) => geluTanh(gate[i]) * up[Math.floor(i / n) * upStride + upOffset + (i % n)],
  );
}
