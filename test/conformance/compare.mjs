// How two sets of logits are compared. Knows no model.

/**
 * How far apart the two best logits of a judge must be for another first choice to be a fault: far above the judge's own
 * error. llama.cpp and wllama round to half precision; transformers and the reference do not.
 */
export const CLEAR_MARGIN = {reference: 1e-3, transformers: 1e-3, llama: 0.05, wllama: 0.05};

/**
 * Relative rms of all differences, and whether the first choice is equal wherever `expected` is clear about it.
 * @param actual, expected rows of logits, one a position
 * @param ignore token ids left out, such as suppressed ones
 */
export function compareLogits(actual, expected, ignore = [], margin = CLEAR_MARGIN.llama) {
  const ignored = new Set(ignore);
  let differences = 0;
  let squares = 0;
  let clear = 0;
  let wrong = 0;
  expected.forEach((row, position) => {
    row.forEach((value, id) => {
      if (ignored.has(id)) return;
      differences += (actual[position][id] - value) ** 2;
      squares += value ** 2;
    });
    const [first, second] = topTwo(row, ignored);
    if (row[first] - row[second] <= margin) return;
    clear++;
    if (topTwo(actual[position], ignored)[0] !== first) wrong++;
  });
  // A NaN anywhere makes this NaN, which no tolerance accepts.
  return {relativeRms: Math.sqrt(differences / squares), positions: expected.length, clear, wrong};
}

/** Ids of the largest and the second largest logit. */
export function topTwo(row, ignored = new Set()) {
  let first = -1;
  let second = -1;
  for (let id = 0; id < row.length; id++) {
    if (ignored.has(id)) continue;
    if (first < 0 || row[id] > row[first]) [first, second] = [id, first];
    else if (second < 0 || row[id] > row[second]) second = id;
  }
  return [first, second];
}
