// How much a term says of a passage: BM25 over its text, its headings and its page's title, without the part that
// depends on other passages. Fixed lengths stand for averages, so that one page changes nothing in another's numbers.
import {IMPACT_STEPS} from './format.ts';

interface Field {
  weight: number;
  /** How much a long field counts less: 0 not at all, 1 fully. */
  b: number;
  /** In terms. */
  usual: number;
}
const FIELDS: readonly Field[] = [
  {weight: 1, b: 0.6, usual: 200},
  {weight: 2, b: 0.4, usual: 18},
  {weight: 1, b: 0.4, usual: 8},
];
const K1 = 2;

/** The terms of a passage with their impact, 1 to IMPACT_STEPS. `fields`: terms of text, headings and title. */
export function weigh(fields: readonly (readonly string[])[]): Map<string, number> {
  const frequencies = new Map<string, number>();
  fields.forEach((terms, i) => {
    const {weight, b, usual} = FIELDS[i];
    const each = weight / (1 - b + (b * terms.length) / usual);
    for (const term of terms) frequencies.set(term, (frequencies.get(term) ?? 0) + each);
  });
  for (const [term, frequency] of frequencies) {
    frequencies.set(term, Math.max(1, Math.round((IMPACT_STEPS * frequency) / (frequency + K1))));
  }
  return frequencies;
}

/** How much finding a term in `passages` of `all` is worth. */
export function rarity(passages: number, all: number): number {
  return Math.log(1 + (all - passages + 0.5) / (passages + 0.5));
}
