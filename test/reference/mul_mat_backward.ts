// mul_mat_backward in f64, from dequantized weights.

/** dx[r][i] = Σ_o weight[o][i] · dy[r][o]; weight: [nOut][nIn], dy: [nRows][nOut]. */
export function mulMatBackward(
  weight: ArrayLike<number>,
  dy: ArrayLike<number>,
  nIn: number,
): Float64Array<ArrayBuffer> {
  const nOut = weight.length / nIn;
  const nRows = dy.length / nOut;
  const dx = new Float64Array(nRows * nIn);
  for (let r = 0; r < nRows; r++) {
    for (let o = 0; o < nOut; o++) {
      for (let i = 0; i < nIn; i++) dx[r * nIn + i] += weight[o * nIn + i] * dy[r * nOut + o];
    }
  }
  return dx;
}
