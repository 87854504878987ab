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
const MEANING = 1.5;

/** A page that has several good passages is likelier to be the right one: what the mean of its best adds to each. */
const PAGE = 0.2;
const BEST_OF_PAGE = 3;
/** Passages that are looked at for that. */
const LOOKED_AT = 200;

/** The passages that have one of the words or a vector, best first. @param pageOf the page of a passage */
export function rank(
  terms: readonly Asked[],
  cosines: ReadonlyMap<number, number> | null,
  pageOf: (passage: number) => number,
): Ranked[] {
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
  const ranked = [...found.values()].sort(order);
  return cosines ? withPages(ranked, pageOf) : ranked;
}

const order = (a: Ranked, b: Ranked): number => b.score - a.score || a.passage - b.passage;

/** Adds to each passage what its page is worth. Words alone find no better with it. */
function withPages(ranked: Ranked[], pageOf: (passage: number) => number): Ranked[] {
  const pages = new Map<number, {count: number; sum: number}>();
  for (const {passage, score} of ranked.slice(0, LOOKED_AT)) {
    const number = pageOf(passage);
    const page = pages.get(number) ?? {count: 0, sum: 0};
    pages.set(number, page);
    if (page.count++ < BEST_OF_PAGE) page.sum += score;
  }
  for (const each of ranked) each.score += (PAGE * (pages.get(pageOf(each.passage))?.sum ?? 0)) / BEST_OF_PAGE;
  return ranked.sort(order);
}

/** The `count` passages that the question's words say most of, best first. */
export function bestByWords(ranked: readonly Ranked[], count: number): Ranked[] {
  const best: Ranked[] = [];
  for (const each of ranked) {
    if (best.length === count && each.words <= best[count - 1].words) continue;
    let at = best.length;
    while (at > 0 && best[at - 1].words < each.words) at -= 1;
    best.splice(at, 0, each);
    if (best.length > count) best.pop();
  }
  return best;
}

/** How much nearer the nearest passage is than passages usually are. */
export function nearness(cosines: ReadonlyMap<number, number>): number {
  const {usual, most} = spread(cosines);
  return most - usual;
}

function spread(cosines: ReadonlyMap<number, number>): {usual: number; most: number} {
  let [sum, most] = [0, -1];
  for (const cosine of cosines.values()) {
    sum += cosine;
    most = Math.max(most, cosine);
  }
  return cosines.size === 0 ? {usual: 0, most: 0} : {usual: sum / cosines.size, most};
}

/** The sum of both scores, each over its best: 1 for the best by words, and for the nearest by meaning. */
function fuse(found: Map<number, Ranked>, cosines: ReadonlyMap<number, number>): void {
  let best = 0;
  for (const {words} of found.values()) best = Math.max(best, words);
  for (const [passage, cosine] of cosines) {
    const known = found.get(passage);
    if (known) known.cosine = cosine;
    else found.set(passage, {passage, score: 0, words: 0, share: 0, cosine});
  }
  const {usual, most} = spread(cosines);
  const range = Math.max(most - usual, 1e-6);
  for (const each of found.values()) {
    each.score = (best > 0 ? each.words / best : 0) + (MEANING * Math.max(0, each.cosine - usual)) / range;
  }
}
