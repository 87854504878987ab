// Gradients by central differences in f64: what a backward formula has to equal.

/**
 * d(Σ_i dy[i] · f(x)[i]) / dx[j] for every j. The error is about step² times the third derivative, and 1e-16 / step times the
 * size of the sum.
 */
export function differences(
  f: (x: Float64Array<ArrayBuffer>) => ArrayLike<number>,
  x: ArrayLike<number>,
  dy: ArrayLike<number>,
  step = 1e-4,
): Float64Array<ArrayBuffer> {
  const at = Float64Array.from(x);
  const loss = () => {
    const y = f(at);
    let sum = 0;
    for (let i = 0; i < dy.length; i++) sum += dy[i] * y[i];
    return sum;
  };
  return Float64Array.from(at, (value, j) => {
    at[j] = value + step;
    const above = loss();
    at[j] = value - step;
    const below = loss();
    at[j] = value;
    return (above - below) / (2 * step);
  });
}

/** Differences of f64 formulas with a step of 1e-4 are right to this. */
export const DIFFERENCE_TOLERANCE = 1e-6;
