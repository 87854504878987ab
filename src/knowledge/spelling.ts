// Mends words that an index does not know. Knows no index.

/** Most edits between a word of this length and the one that was meant. */
export function allowedEdits(word: string): number {
  return word.length < 4 || /\d/.test(word) ? 0 : word.length < 8 ? 1 : 2;
}

/**
 * Edits between two words, neighbours that changed places counted as one (Damerau, optimal string alignment); `limit + 1`
 * where there are more than `limit`.
 */
export function edits(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let last = Array.from({length: b.length + 1}, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      let value = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) value = Math.min(value, before[j - 2] + 1);
      row.push(value);
      least = Math.min(least, value);
    }
    if (least > limit) return limit + 1;
    before = last;
    last = row;
  }
  return Math.min(last[b.length], limit + 1);
}

/** The known word nearest to `word`, of equally near ones the most used; null where none is near. */
export function nearest(word: string, known: Iterable<readonly [string, {passages: number}]>): string | null {
  const limit = allowedEdits(word);
  let best: string | null = null;
  let bestEdits = limit + 1;
  let bestUse = 0;
  if (limit === 0) return null;
  for (const [term, {passages}] of known) {
    if (term.length < 3) continue;
    const distance = edits(word, term, Math.min(limit, bestEdits));
    if (distance > limit || distance > bestEdits || (distance === bestEdits && passages <= bestUse)) continue;
    best = term;
    bestEdits = distance;
    bestUse = passages;
  }
  return best;
}
