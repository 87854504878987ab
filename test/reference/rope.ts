// rope in f64, each angle computed afresh.

export interface RopeShape {
  nHead: number;
  headDim: number;
  /** `rope.freq_base`. */
  base: number;
  /** [headDim/2] divisors of the frequencies. */
  factors?: ArrayLike<number>;
}

/** Rotates pairs (i, i + headDim/2) by position · base^(−2i/headDim) / factors[i]; x: [nRows][nHead][headDim]. */
export function rope(
  x: ArrayLike<number>,
  positions: ArrayLike<number>,
  {nHead, headDim, base, factors}: RopeShape,
): Float64Array<ArrayBuffer> {
  const half = headDim / 2;
  const y = new Float64Array(x.length);
  for (let r = 0; r < positions.length; r++) {
    for (let i = 0; i < half; i++) {
      const angle = (positions[r] * base ** ((-2 * i) / headDim)) / (factors?.[i] ?? 1);
      const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
      for (let head = 0; head < nHead; head++) {
        const a = (r * nHead + head) * headDim + i;
        const b = a + half;
        y[a] = x[a] * cosine - x[b] * sine;
        y[b] = x[a] * sine + x[b] * cosine;
      }
    }
  }
  return y;
}
