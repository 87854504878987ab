// From text to the terms that an index is made of: the same for the command that writes it and the search that reads
// it. Knows no passages.
//
// Scripts without spaces become overlapping pairs of letters, not words of `Intl.Segmenter`: its dictionaries differ
// between the machine that indexes and the browser that searches, and a term must be the same on both.

import {FIRST_UNSPACED, PLAIN, words} from './words.ts';

export type Stemmer = (word: string) => string;

/** Longest term, in UTF-16 units. What is longer is data, not a word. */
export const MAX_TERM = 40;

const MARKS = /\p{M}+/gu;
/** Accents that a visitor may leave out. In other scripts a mark is part of the letter. */
const ACCENTED_LATIN = /^[\p{Script=Latin}\p{M}\p{N}]+$/u;

/** Stemmer and words that say nothing of a subject, by language (ISO 639-1). */
const LANGUAGES: Readonly<Record<string, () => Promise<[{stemmer: Stemmer}, {stopwords: readonly string[]}]>>> = {
  ar: () => Promise.all([import('@orama/stemmers/arabic'), import('@orama/stopwords/arabic')]),
  bg: () => Promise.all([import('@orama/stemmers/bulgarian'), import('@orama/stopwords/bulgarian')]),
  da: () => Promise.all([import('@orama/stemmers/danish'), import('@orama/stopwords/danish')]),
  de: () => Promise.all([import('@orama/stemmers/german'), import('@orama/stopwords/german')]),
  el: () => Promise.all([import('@orama/stemmers/greek'), import('@orama/stopwords/greek')]),
  en: () => Promise.all([import('@orama/stemmers/english'), import('@orama/stopwords/english')]),
  es: () => Promise.all([import('@orama/stemmers/spanish'), import('@orama/stopwords/spanish')]),
  fi: () => Promise.all([import('@orama/stemmers/finnish'), import('@orama/stopwords/finnish')]),
  fr: () => Promise.all([import('@orama/stemmers/french'), import('@orama/stopwords/french')]),
  ga: () => Promise.all([import('@orama/stemmers/irish'), import('@orama/stopwords/irish')]),
  hi: () => Promise.all([import('@orama/stemmers/indian'), import('@orama/stopwords/indian')]),
  hu: () => Promise.all([import('@orama/stemmers/hungarian'), import('@orama/stopwords/hungarian')]),
  hy: () => Promise.all([import('@orama/stemmers/armenian'), import('@orama/stopwords/armenian')]),
  id: () => Promise.all([import('@orama/stemmers/indonesian'), import('@orama/stopwords/indonesian')]),
  it: () => Promise.all([import('@orama/stemmers/italian'), import('@orama/stopwords/italian')]),
  lt: () => Promise.all([import('@orama/stemmers/lithuanian'), import('@orama/stopwords/lithuanian')]),
  nb: () => Promise.all([import('@orama/stemmers/norwegian'), import('@orama/stopwords/norwegian')]),
  ne: () => Promise.all([import('@orama/stemmers/nepali'), import('@orama/stopwords/nepali')]),
  nl: () => Promise.all([import('@orama/stemmers/dutch'), import('@orama/stopwords/dutch')]),
  nn: () => Promise.all([import('@orama/stemmers/norwegian'), import('@orama/stopwords/norwegian')]),
  no: () => Promise.all([import('@orama/stemmers/norwegian'), import('@orama/stopwords/norwegian')]),
  pt: () => Promise.all([import('@orama/stemmers/portuguese'), import('@orama/stopwords/portuguese')]),
  ro: () => Promise.all([import('@orama/stemmers/romanian'), import('@orama/stopwords/romanian')]),
  ru: () => Promise.all([import('@orama/stemmers/russian'), import('@orama/stopwords/russian')]),
  sr: () => Promise.all([import('@orama/stemmers/serbian'), import('@orama/stopwords/serbian')]),
  sv: () => Promise.all([import('@orama/stemmers/swedish'), import('@orama/stopwords/swedish')]),
  ta: () => Promise.all([import('@orama/stemmers/tamil'), import('@orama/stopwords/tamil')]),
  tr: () => Promise.all([import('@orama/stemmers/turkish'), import('@orama/stopwords/turkish')]),
  uk: () => Promise.all([import('@orama/stemmers/ukrainian'), import('@orama/stopwords/ukrainian')]),
};

/** Of the English list, words that do say something in a question: "before every commit", "the same time", "not". */
const TELLING = new Set(
  'above after again against all before below between both down during each few further more most no not off once only other out over own same through under until up while'.split(
    ' ',
  ),
);

/** The language of a tag like `pt-BR`, in small letters; '' where there is none. */
export function baseLanguage(tag: string | null | undefined): string {
  return /^[a-z]{2,3}(?![a-z])/.exec((tag ?? '').trim().toLowerCase())?.[0] ?? '';
}

/** Turns text into terms, in one language. */
export class Words {
  readonly #stem: Stemmer;
  readonly #stopwords: ReadonlySet<string>;
  readonly #stems = new Map<string, string>();

  private constructor(stem: Stemmer, stopwords: readonly string[]) {
    this.#stem = stem;
    this.#stopwords = new Set(stopwords);
  }

  /** Fetches the language's stemmer; without one, a word is its own stem. */
  static async of(language: string): Promise<Words> {
    if (!Object.hasOwn(LANGUAGES, language)) return new Words((word) => word, []);
    const [{stemmer}, {stopwords}] = await LANGUAGES[language]();
    return new Words(stemmer, stopwords);
  }

  /** The terms that a question asks for: each once, without words that say nothing unless it has no others. */
  questionTerms(question: string): {term: string; word: string}[] {
    const all = new Map<string, string>();
    const telling = new Map<string, string>();
    for (const word of words(question)) {
      const stop =
        (this.#stopwords.has(word.replace('’', "'")) && !TELLING.has(word)) ||
        (word.length === 1 && PLAIN.test(word) && !/\d/.test(word));
      for (const term of this.terms(word)) {
        if (!all.has(term)) all.set(term, word);
        if (!stop && !telling.has(term)) telling.set(term, word);
      }
    }
    return [...(telling.size > 0 ? telling : all)].map(([term, word]) => ({term, word}));
  }

  /** The terms of `text`, in order. */
  terms(text: string): string[] {
    const terms: string[] = [];
    for (const word of words(text)) {
      if (word.charCodeAt(0) > 0x7f && FIRST_UNSPACED.test(word)) pairs(word, terms);
      else if (word.length <= MAX_TERM) terms.push(this.#term(word));
    }
    return terms;
  }

  #term(word: string): string {
    let stem = this.#stems.get(word);
    if (stem !== undefined) return stem;
    const plain = word.replace(/['’].*$/u, '');
    // Some stemmers read their own state on a word of one letter, and none shortens a number.
    stem = plain.length < 3 || /\p{N}/u.test(plain) ? plain : fold(this.#stem(plain)) || plain;
    if (stem.length > MAX_TERM) stem = stem.slice(0, MAX_TERM);
    // A hostile text may have any number of different words.
    if (this.#stems.size >= 50_000) this.#stems.clear();
    this.#stems.set(word, stem);
    return stem;
  }
}

function fold(term: string): string {
  if (PLAIN.test(term) || !ACCENTED_LATIN.test(term.normalize('NFD'))) return term;
  return term.normalize('NFD').replace(MARKS, '');
}

function pairs(run: string, into: string[]): void {
  const letters = [...run];
  if (letters.length === 1) into.push(run);
  for (let i = 0; i + 1 < letters.length; i++) into.push(letters[i] + letters[i + 1]);
}
