// What the passages of an index score for a question: by its words, and by its meaning where that was searched. Knows no files.
import {IMPACT_STEPS, type TermEntry} from './format.ts';

/** A term that was asked for and that the index has. */
export interface Asked {
  entry: TermEntry;
  /** How rare it is. */
  weight: number;
}

export interface Ranked {
  passage: number;
  /** What it is ranked by. */
  score: number;
  /** What the question's words say of it. */
  words: number;
  /** Weight of the question's words that it has. */
  share: number;
  /** Cosine of its vector to the question's; 0 where only words were searched. */
  cosine: number;
}

/** How much the nearest vector counts beside the best of all passages by words. */
const MEANING = 1;

/** The passages that have one of the words or a vector, best first. */
export function rank(terms: readonly Asked[], cosines: ReadonlyMap<number, number> | null): Ranked[] {
  const found = new Map<number, Ranked>();
  for (const {entry, weight} of terms) {
    for (const {passage, impact} of entry.postings) {
      const words = (weight * impact) / IMPACT_STEPS;
      const known = found.get(passage);
      if (known) {
        known.words += words;
        known.share += weight;
      } else found.set(passage, {passage, score: 0, words, share: weight, cosine: 0});
    }
  }
  if (cosines) fuse(found, cosines);
  else for (const each of found.values()) each.score = each.words;
  return [...found.values()].sort((a, b) => b.score - a.score || a.passage - b.passage);
}

/** The sum of both scores, each over its best: 1 for the best by words, and for the nearest by meaning. */
function fuse(found: Map<number, Ranked>, cosines: ReadonlyMap<number, number>): void {
  let best = 0;
  for (const {words} of found.values()) best = Math.max(best, words);
  let [sum, most] = [0, 0];
  for (const [passage, cosine] of cosines) {
    sum += cosine;
    most = Math.max(most, cosine);
    const known = found.get(passage);
    if (known) known.cosine = cosine;
    else found.set(passage, {passage, score: 0, words: 0, share: 0, cosine});
  }
  const usual = cosines.size === 0 ? 0 : sum / cosines.size;
  const range = Math.max(most - usual, 1e-6);
  for (const each of found.values()) {
    each.score = (best > 0 ? each.words / best : 0) + (MEANING * Math.max(0, each.cosine - usual)) / range;
  }
}
