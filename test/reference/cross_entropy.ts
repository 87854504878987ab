// cross_entropy and cross_entropy_backward in f64, over the whole vocabulary.

/** logits: [nRows][n] → loss of each row, and the gradient of Σ weight · loss by the logits. */
export function crossEntropy(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  weights: ArrayLike<number>,
  softcap: number,
): {losses: Float64Array; gradient: Float64Array} {
  const nRows = labels.length;
  const n = logits.length / nRows;
  const losses = new Float64Array(nRows);
  const gradient = new Float64Array(nRows * n);
  for (let r = 0; r < nRows; r++) {
    const capped = Array.from({length: n}, (_, i) => {
      const logit = logits[r * n + i];
      return softcap > 0 ? softcap * Math.tanh(logit / softcap) : logit;
    });
    const largest = Math.max(...capped);
    const sum = capped.reduce((total, value) => total + Math.exp(value - largest), 0);
    losses[r] = largest + Math.log(sum) - capped[labels[r]];
    capped.forEach((value, i) => {
      const probability = Math.exp(value - largest) / sum;
      const slope = softcap > 0 ? 1 - (value / softcap) ** 2 : 1;
      gradient[r * n + i] = weights[r] * (probability - (i === labels[r] ? 1 : 0)) * slope;
    });
  }
  return {losses, gradient};
}
