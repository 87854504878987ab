// softcap_backward in f64.

/** dx = dy · (1 − (y / cap)²), y being what softcap gave. */
export function softcapBackward(y: ArrayLike<number>, dy: ArrayLike<number>, cap: number): Float64Array<ArrayBuffer> {
  return Float64Array.from({length: y.length}, (_, i) => dy[i] * (1 - (y[i] / cap) ** 2));
}
