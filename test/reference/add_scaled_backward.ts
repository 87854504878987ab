// add_scaled_backward in f64.

/** dx[r][i] = scale · Σ_v dy[r][v · xN + i]; dy: [nRows][n], n a multiple of xN. */
export function addScaledBackward(dy: ArrayLike<number>, scale: number, n: number, xN = n): Float64Array<ArrayBuffer> {
  const dx = new Float64Array((dy.length / n) * xN);
  for (let i = 0; i < dy.length; i++) dx[Math.floor(i / n) * xN + ((i % n) % xN)] += scale * dy[i];
  return dx;
}
