// softcap in f64.

/** y = cap · tanh(x / cap). */
export function softcap(x: ArrayLike<number>, cap: number): Float64Array<ArrayBuffer> {
  return Float64Array.from({length: x.length}, (_, i) => cap * Math.tanh(x[i] / cap));
}
