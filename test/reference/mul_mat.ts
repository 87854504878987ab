// mul_mat in f64, from dequantized weights.

/** y[r][o] = Σ_i weight[o][i] · x[r][i]; weight: [nOut][nIn], x: [nRows][nIn]. */
export function mulMat(weight: ArrayLike<number>, x: ArrayLike<number>, nIn: number): Float64Array<ArrayBuffer> {
  const nOut = weight.length / nIn;
  const nRows = x.length / nIn;
  const y = new Float64Array(nRows * nOut);
  for (let r = 0; r < nRows; r++) {
    for (let o = 0; o < nOut; o++) {
      let sum = 0;
      for (let i = 0; i < nIn; i++) sum += weight[o * nIn + i] * x[r * nIn + i];
      y[r * nOut + o] = sum;
    }
  }
  return y;
}
