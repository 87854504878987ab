// Cuts text at special tokens before anything else looks at it: the longest token of the whole text first, then the next,
// never inside one already found (llama.cpp's order). Knows texts and ids only.
import {GemmaError} from '../errors.ts';
import {MinHeap} from './min-heap.ts';

export interface SpecialToken {
  id: number;
  text: string;
}

/** Plain text, or the id of a special token found in it. */
export type Fragment = string | number;

interface Node {
  next: Map<number, Node>;
  /** Place in the order of search, or -1 where no token ends. */
  order: number;
}

const POSITIONS = 2 ** 32;

/** Far above any Gemma's: 31 characters, and 77,000 in all. A tree of a hostile file's tokens must stay small. */
const MAX_LENGTH = 256;
const MAX_CHARACTERS = 2 ** 20;

const SPACE = 0x20;
/** ▁, which stands for a space in every token. */
const SPACE_MARK = 0x2581;

/** Special tokens of a vocabulary as a tree of their characters (Fredkin's trie). */
export class SpecialTokens {
  readonly #tokens: readonly SpecialToken[];
  readonly #root: Node = {next: new Map(), order: -1};
  readonly #marksAreSpaces: boolean;

  /**
   * @param options.marksAreSpaces a ▁ in text counts as a space: SentencePiece cuts text after it has made spaces marks.
   * @throws GemmaError `tokenizer-invalid` where tokens are longer than any model's
   */
  constructor(tokens: readonly SpecialToken[], options: {marksAreSpaces?: boolean} = {}) {
    this.#marksAreSpaces = options.marksAreSpaces ?? false;
    checkSize(tokens);
    const length = new Map(tokens.map(({id, text}) => [id, new TextEncoder().encode(text).length]));
    // Longest in bytes, then lowest id.
    this.#tokens = tokens
      .filter(({text}) => text !== '')
      .sort((a, b) => length.get(b.id)! - length.get(a.id)! || a.id - b.id);
    this.#tokens.forEach(({text}, order) => {
      let node = this.#root;
      for (let i = 0; i < text.length; i++) {
        const unit = this.#unit(text, i);
        let next = node.next.get(unit);
        if (!next) {
          next = {next: new Map(), order: -1};
          node.next.set(unit, next);
        }
        node = next;
      }
      if (node.order < 0) node.order = order;
    });
  }

  split(text: string): Fragment[] {
    return [...this.fragments(text)];
  }

  /**
   * The same one by one, for long texts.
   * @param longest characters that are resolved together, as runs of newlines are
   * @throws GemmaError `option-invalid` for special tokens that overlap over more than that
   */
  *fragments(text: string, longest = Number.POSITIVE_INFINITY): Generator<Fragment, void, void> {
    let plain = 0;
    for (let i = 0; i < text.length; ) {
      const order = this.#longestAt(text, i, text.length);
      if (order < 0) {
        i += 1;
        continue;
      }
      const end = this.#overlapEnd(text, i, longest);
      // Mostly one, and nothing within it.
      const found =
        this.#tokens[order].text.length === end - i
          ? [{at: i, token: this.#tokens[order]}]
          : this.#resolve(text, i, end);
      for (const {at, token} of found) {
        if (plain < at) yield text.slice(plain, at);
        yield token.id;
        plain = at + token.text.length;
      }
      i = end;
    }
    if (plain < text.length) yield text.slice(plain);
  }

  /** Where the tokens end that begin at `start` or overlap with one that does, directly or over others. */
  #overlapEnd(text: string, start: number, longest: number): number {
    let end = start + 1;
    for (let i = start; i < end; i++) {
      const order = this.#longestAt(text, i, text.length);
      if (order >= 0) end = Math.max(end, i + this.#tokens[order].text.length);
      if (end - start > longest) {
        throw new GemmaError(
          'option-invalid',
          `a text has special tokens that overlap over more than ${longest} characters`,
          {detail: {limit: longest}},
        );
      }
    }
    return end;
  }

  /** The tokens between `start` and `end`, in order: the first in the order of search wherever two overlap. */
  #resolve(text: string, start: number, end: number): {at: number; token: SpecialToken}[] {
    const candidates = new MinHeap();
    for (let i = start; i < end; i++) {
      const order = this.#longestAt(text, i, end);
      if (order >= 0) candidates.push(order * POSITIONS + i);
    }
    const taken = new Uint8Array(end - start);
    const found: {at: number; token: SpecialToken}[] = [];
    while (candidates.size > 0) {
      const key = candidates.pop();
      const order = Math.floor(key / POSITIONS);
      const at = key - order * POSITIONS;
      if (taken[at - start]) continue;
      const token = this.#tokens[order];
      const taking = taken.subarray(at - start, at - start + token.text.length);
      const free = taking.indexOf(1);
      if (free < 0) {
        taking.fill(1);
        found.push({at, token});
        continue;
      }
      // A shorter one may still fit.
      const shorter = this.#longestAt(text, at, at + free);
      if (shorter >= 0) candidates.push(shorter * POSITIONS + at);
    }
    return found.sort((a, b) => a.at - b.at);
  }

  /** The longest token of text[at … end) that begins at `at`, as its place in the order of search, or -1. */
  #longestAt(text: string, at: number, end: number): number {
    let best = -1;
    let node: Node | undefined = this.#root;
    for (let i = at; i < end; i++) {
      node = node.next.get(this.#unit(text, i));
      if (!node) break;
      if (node.order >= 0) best = node.order;
    }
    return best;
  }

  #unit(text: string, i: number): number {
    const unit = text.charCodeAt(i);
    return unit === SPACE_MARK && this.#marksAreSpaces ? SPACE : unit;
  }
}

function checkSize(tokens: readonly SpecialToken[]): void {
  let characters = 0;
  for (const {id, text} of tokens) {
    characters += text.length;
    if (text.length <= MAX_LENGTH && characters <= MAX_CHARACTERS) continue;
    const found = text.length > MAX_LENGTH ? `special token ${id} has ${text.length} characters` : 'special tokens';
    throw new GemmaError(
      'tokenizer-invalid',
      `${found}, ${characters} in all so far; at most ${MAX_LENGTH} a token and ${MAX_CHARACTERS} in all are supported. ` +
        'The file was not made for this model, or is damaged',
      {detail: {id, length: text.length, characters}},
    );
  }
}
