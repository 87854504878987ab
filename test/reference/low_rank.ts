// Low-rank terms in f64.

/** One term: a: [rank][nIn], b: [nOut][rank]. */
export interface LowRank {
  rank: number;
  a: ArrayLike<number>;
  b: ArrayLike<number>;
  /** alpha / rank times what the request asks for. */
  scale: number;
}

/** scale · B(Ax), x: [nIn]. */
export function lowRank(x: ArrayLike<number>, {rank, a, b, scale}: LowRank): Float64Array<ArrayBuffer> {
  const nIn = x.length;
  const t = Float64Array.from({length: rank}, (_, k) => {
    let sum = 0;
    for (let i = 0; i < nIn; i++) sum += a[k * nIn + i] * x[i];
    return sum;
  });
  return outer(t, b, scale);
}

/** scale · B · a[token], a: [nVocab][rank]. */
export function lowRankRow(token: number, {rank, a, b, scale}: LowRank): Float64Array<ArrayBuffer> {
  return outer(
    Float64Array.from({length: rank}, (_, k) => a[token * rank + k]),
    b,
    scale,
  );
}

function outer(t: Float64Array, b: ArrayLike<number>, scale: number): Float64Array<ArrayBuffer> {
  const rank = t.length;
  return Float64Array.from({length: b.length / rank}, (_, o) => {
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += b[o * rank + k] * t[k];
    return scale * sum;
  });
}
