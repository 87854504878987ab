// Cuts a page's blocks into passages: what is found, shown and given to a model. Knows no markup and no index.
import type {Block} from './extract.ts';
import {countWords} from './words.ts';

export interface Passage {
  /** Headings from the page's own down to the one that the passage begins under. */
  headings: string[];
  /** Id of that heading, or of the nearest one before it; '' is the top of the page. */
  anchor: string;
  /** Its own headings among them, one a line. */
  text: string;
  /** Headings and defined terms within the text, for the index. */
  terms: string;
}

/** In words. A section under `least` takes the next one in; above `enough` a new block begins a new passage. */
export interface PassageSize {
  least: number;
  enough: number;
  most: number;
}
export const PASSAGE_SIZE: PassageSize = {least: 100, enough: 280, most: 450};
/** Passages of one page. */
export const MAX_PASSAGES = 5000;
const LONGEST_HEADING = 200;

/** A page's passages in order, each under its headings. */
export function cutPassages(title: string, blocks: readonly Block[], size: PassageSize = PASSAGE_SIZE): Passage[] {
  return new Cutter(title, size).cut(blocks);
}

class Cutter {
  readonly #size: PassageSize;
  readonly #passages: Passage[] = [];
  readonly #path: {level: number; text: string}[] = [];
  #headings: string[];
  #title: string;
  #lines: string[] = [];
  #terms: string[] = [];
  #words = 0;
  #anchor = '';
  #section = '';
  /** Whether the passage has more than headings. */
  #body = false;

  constructor(title: string, size: PassageSize) {
    this.#title = title;
    this.#size = size;
    this.#headings = [];
  }

  cut(blocks: readonly Block[]): Passage[] {
    for (const block of blocks) {
      if (this.#passages.length >= MAX_PASSAGES) break;
      if (block.level > 0 && block.level < 7) this.#heading(block);
      else this.#block(block);
    }
    this.#end();
    return this.#passages;
  }

  #heading({text, level, anchor}: Block): void {
    const heading = text
      .replace(/\s+/g, ' ')
      .replace(/\s*[¶#§]$/u, '')
      .slice(0, LONGEST_HEADING);
    const shallower = this.#path.length > 0 && level < this.#path[this.#path.length - 1].level;
    while (this.#path.length > 0 && this.#path[this.#path.length - 1].level >= level) this.#path.pop();
    this.#path.push({level, text: heading});
    if (this.#body && (this.#words >= this.#size.least || (shallower && this.#words >= this.#size.least / 2)))
      this.#end();
    this.#section = anchor;
    this.#begin(anchor);
    this.#add(heading);
    this.#terms.push(heading);
  }

  #block({text, level, anchor}: Block): void {
    const words = countWords(text);
    const full = this.#words >= this.#size.enough || this.#words + words > this.#size.most;
    // A defined term stays with its definition.
    if (this.#body && (full || (level === 7 && this.#words >= this.#size.least))) this.#end();
    this.#begin(anchor || this.#section);
    if (level === 7) this.#terms.push(text.slice(0, LONGEST_HEADING));
    this.#body = true;
    if (words <= this.#size.most) {
      this.#add(text);
      return;
    }
    for (const piece of pieces(text, this.#size)) {
      if (this.#words >= this.#size.enough) {
        this.#end();
        this.#begin(anchor || this.#section);
        this.#body = true;
      }
      this.#add(piece);
    }
  }

  #add(text: string): void {
    this.#lines.push(text);
    this.#words += countWords(text);
  }

  #begin(anchor: string): void {
    if (this.#lines.length > 0) return;
    this.#anchor = anchor;
    this.#headings = this.#path.map(({text}) => text);
    if (this.#headings.length === 0 && this.#title !== '') this.#headings = [this.#title];
  }

  #end(): void {
    const text = this.#lines.join('\n').trim();
    if (this.#body && text !== '') {
      const {length} = this.#passages;
      const headings = this.#headings;
      const anchor = this.#anchor;
      if (length < MAX_PASSAGES) this.#passages.push({headings, anchor, text, terms: this.#terms.join('\n')});
    }
    this.#lines = [];
    this.#terms = [];
    this.#words = 0;
    this.#body = false;
  }
}

/** A long block in pieces of at most `enough` words: by lines, then by sentences, then by words. */
function* pieces(text: string, {enough}: PassageSize): Iterable<string> {
  let piece = '';
  let words = 0;
  for (const part of parts(text)) {
    const more = countWords(part);
    if (words > 0 && words + more > enough) {
      yield piece.trim();
      piece = '';
      words = 0;
    }
    piece += part;
    words += more;
  }
  if (piece.trim() !== '') yield piece.trim();
}

/** Sentences and lines; what is longer than most sentences is cut between words, and so is what has no words. */
function* parts(text: string): Iterable<string> {
  for (const [sentence] of text.matchAll(/[^\n.!?。！？]*(?:[.!?。！？]+[)"'”’」]*\s*|\n+|$)/gu)) {
    if (sentence.length <= 300) yield sentence;
    else for (const [run] of sentence.matchAll(/\s*\S{1,80}\s*/gu)) yield run;
  }
}
