// attention_train in f64, the softmax over all visible keys at once.

export interface TrainAttentionShape {
  nHead: number;
  nHeadKv: number;
  headDim: number;
  scale: number;
  /** A row sees this many rows, its own included; 0: all of its sequence up to its own. */
  window: number;
  /** Scores become softcap · tanh(score / softcap); 0: they do not. */
  softcap: number;
}

/** The rows that row r attends, r the last of them; `starts`: by row, the first row of its sequence. */
export const firstKey = (starts: ArrayLike<number>, r: number, window: number): number =>
  window > 0 ? Math.max(starts[r], r - window + 1) : starts[r];

/** q: [n][nHead][headDim]; k, v: [n][nHeadKv][headDim]; y: [n][nHead][headDim], logSums: [n][nHead]. */
export function attentionTrain(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  starts: ArrayLike<number>,
  {nHead, nHeadKv, headDim, scale, window, softcap}: TrainAttentionShape,
): {y: Float64Array<ArrayBuffer>; logSums: Float64Array<ArrayBuffer>} {
  const y = new Float64Array(starts.length * nHead * headDim);
  const logSums = new Float64Array(starts.length * nHead);
  for (let r = 0; r < starts.length; r++) {
    const first = firstKey(starts, r, window);
    for (let head = 0; head < nHead; head++) {
      const own = (r * nHead + head) * headDim;
      const at = (p: number) => (p * nHeadKv + Math.floor((head * nHeadKv) / nHead)) * headDim;
      const scores = Array.from({length: r + 1 - first}, (_, j) => {
        let score = 0;
        for (let i = 0; i < headDim; i++) score += q[own + i] * k[at(first + j) + i];
        return softcap > 0 ? softcap * Math.tanh((score * scale) / softcap) : score * scale;
      });
      const largest = scores.reduce((a, b) => Math.max(a, b));
      const logSum = largest + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - largest), 0));
      logSums[r * nHead + head] = logSum;
      scores.forEach((score, j) => {
        const weight = Math.exp(score - logSum);
        for (let i = 0; i < headDim; i++) y[own + i] += weight * v[at(first + j) + i];
      });
    }
  }
  return {y, logSums};
}
