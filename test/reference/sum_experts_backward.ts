// sum_experts_backward in f64.

/** dx[r][s][i] = weights[r][s] · dy[r][i]; dy: [nRows][n], weights: [nRows][used]. */
export const sumExpertsBackward = (
  dy: ArrayLike<number>,
  weights: ArrayLike<number>,
  n: number,
  used: number,
): Float64Array<ArrayBuffer> =>
  Float64Array.from({length: used * dy.length}, (_, at) => {
    const pair = Math.floor(at / n); // r · used + s
    return weights[pair] * dy[Math.floor(pair / used) * n + (at % n)];
  });
