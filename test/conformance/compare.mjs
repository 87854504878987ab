// How two sets of logits are compared. Knows no model.

/** llama.cpp's own error is far below this distance of its two best logits: a different first choice is then a fault. */
export const CLEAR_MARGIN = 0.05;

/**
 * Relative rms of all differences, and whether the first choice is equal wherever `expected` is clear about it.
 * @param actual, expected rows of logits, one a position
 * @param ignore token ids left out, such as suppressed ones
 */
export function compareLogits(actual, expected, ignore = []) {
  let differences = 0;
  let squares = 0;
  let clear = 0;
  let wrong = 0;
  expected.forEach((row, position) => {
    const ignored = new Set(ignore);
    row.forEach((value, id) => {
      if (ignored.has(id)) return;
      differences += (actual[position][id] - value) ** 2;
      squares += value ** 2;
    });
    const [first, second] = topTwo(row, ignored);
    if (row[first] - row[second] <= CLEAR_MARGIN) return;
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
