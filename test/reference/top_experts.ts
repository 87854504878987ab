// top_experts in f64.

export interface ChosenExperts {
  /** [nRows][used], by rank. */
  experts: number[];
  /** [nRows][used] */
  weights: Float64Array<ArrayBuffer>;
}

/** The `used` best of each row of logits: [nRows][nExpert], and softmax(scale · logits) over those, · expertScale. */
export function topExperts(
  logits: ArrayLike<number>,
  nExpert: number,
  used: number,
  scale = 1,
  expertScale?: ArrayLike<number>,
): ChosenExperts {
  const nRows = logits.length / nExpert;
  const experts: number[] = [];
  const weights = new Float64Array(nRows * used);
  for (let r = 0; r < nRows; r++) {
    const row = Array.from({length: nExpert}, (_, e) => logits[r * nExpert + e]);
    const chosen = row
      .map((_, e) => e)
      .sort((a, b) => row[b] - row[a] || a - b)
      .slice(0, used);
    const exponentials = chosen.map((e) => Math.exp(scale * (row[e] - row[chosen[0]])));
    const total = exponentials.reduce((a, b) => a + b);
    chosen.forEach((e, s) => {
      weights[r * used + s] = (exponentials[s] / total) * (expertScale ? expertScale[e] : 1);
    });
    experts.push(...chosen);
  }
  return {experts, weights};
}
