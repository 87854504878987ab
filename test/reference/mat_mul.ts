// mat_mul in f64.

export interface MatMulStrides {
  A_M: number;
  A_K: number;
  B_K: number;
  B_N: number;
}

/** c[m][n] = Σ_k a[m · A_M + k · A_K] · b[k · B_K + n · B_N] */
export function matMul(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  [M, N, K]: readonly [number, number, number],
  {A_M, A_K, B_K, B_N}: MatMulStrides,
): Float64Array<ArrayBuffer> {
  const c = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++) c[m * N + n] += a[m * A_M + k * A_K] * b[k * B_K + n * B_N];
    }
  }
  return c;
}
