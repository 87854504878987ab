// rms_norm_backward in f64.

/** dx = r · (g − x̂ · mean(g ⊙ x̂)), g = weight ⊙ dy, x̂ = r · x, r = 1 / sqrt(mean(x²) + eps); x, dy: [nVectors][n], weight: [n], or none. */
export function rmsNormBackward(
  x: ArrayLike<number>,
  weight: ArrayLike<number> | undefined,
  dy: ArrayLike<number>,
  n: number,
  eps: number,
): Float64Array<ArrayBuffer> {
  const dx = new Float64Array(x.length);
  for (let first = 0; first < x.length; first += n) {
    let squares = 0;
    for (let i = 0; i < n; i++) squares += x[first + i] ** 2;
    const scale = 1 / Math.sqrt(squares / n + eps);
    const gradient = (i: number) => dy[first + i] * (weight ? weight[i] : 1);
    let along = 0;
    for (let i = 0; i < n; i++) along += gradient(i) * scale * x[first + i];
    for (let i = 0; i < n; i++) dx[first + i] = scale * (gradient(i) - (scale * x[first + i] * along) / n);
  }
  return dx;
}
