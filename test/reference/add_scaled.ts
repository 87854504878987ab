// add_scaled in f64.

/** y = (a + b) · scale. */
export function addScaled(a: ArrayLike<number>, b: ArrayLike<number>, scale: number): Float64Array<ArrayBuffer> {
  return Float64Array.from({length: a.length}, (_, i) => (a[i] + b[i]) * scale);
}
