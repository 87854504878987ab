// What a visitor may ask first: headings of the site itself. Knows no files and no view.
import {countWords} from './words.ts';

export const MAX_STARTER = 80;
export const MOST_STARTERS = 4;
/** Headings of a page that are looked at. */
const MOST_HEADINGS = 20;
const QUESTION = /[?？؟]$|^(?:how|what|why|when|where|which|who|can|do|does|is|are|should)\b/iu;

interface Candidate {
  text: string;
  question: boolean;
  /** Passages under the heading: a short section answers little. */
  passages: number;
}

/** Heading of a passage as a question to begin with; null for one that says too little or too much. */
function candidate(heading: string): string | null {
  const text = heading.replace(/^[\d.]+\s+/, '').trim();
  const words = countWords(text);
  // Brackets, slashes and the like are names of commands and functions.
  return text.length <= MAX_STARTER && words >= 2 && words <= 10 && !/[<>()[\]{}/=_\\|]|--/.test(text) ? text : null;
}

/** `add` the headings of each page, one a passage; `choose` at the end. */
export class Starters {
  readonly #pages: Candidate[][] = [];
  /** On how many pages a heading is: one that is on several is a part of their form. */
  readonly #pagesWith = new Map<string, number>();

  /** @param headings of each passage, the nearest */
  add(headings: Iterable<string>): void {
    const found = new Map<string, Candidate>();
    for (const heading of headings) {
      const text = candidate(heading);
      if (text === null) continue;
      const known = found.get(text);
      if (known) known.passages += 1;
      else if (found.size < MOST_HEADINGS) found.set(text, {text, question: QUESTION.test(text), passages: 1});
    }
    for (const text of found.keys()) this.#pagesWith.set(text, (this.#pagesWith.get(text) ?? 0) + 1);
    this.#pages.push([...found.values()]);
  }

  /** Questions first, then the longest sections; one a page, in the order of pages among equals. */
  choose(): string[] {
    const order = (a: Candidate, b: Candidate): number =>
      Number(b.question) - Number(a.question) || b.passages - a.passages;
    const best = this.#pages.flatMap((page) => {
      const own = page.filter(({text}) => this.#pagesWith.get(text) === 1).sort(order);
      return own.slice(0, 1);
    });
    return best
      .sort(order)
      .slice(0, MOST_STARTERS)
      .map(({text}) => text);
  }
}
