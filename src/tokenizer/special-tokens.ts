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
    const candidates = new MinHeap();
    for (let i = 0; i < text.length; i++) this.#offer(text, i, null, candidates);
    if (candidates.size === 0) return text === '' ? [] : [text];

    const taken = new Uint8Array(text.length);
    const found = new Map<number, SpecialToken>();
    while (candidates.size > 0) {
      const key = candidates.pop();
      const order = Math.floor(key / POSITIONS);
      const at = key - order * POSITIONS;
      if (taken[at]) continue;
      const token = this.#tokens[order];
      const end = at + token.text.length;
      if (taken.subarray(at, end).includes(1)) {
        this.#offer(text, at, taken, candidates); // a shorter one may still fit
        continue;
      }
      taken.fill(1, at, end);
      found.set(at, token);
    }

    const fragments: Fragment[] = [];
    let start = 0;
    for (let i = 0; i < text.length; i++) {
      const token = found.get(i);
      if (!token) continue;
      if (start < i) fragments.push(text.slice(start, i));
      fragments.push(token.id);
      start = i + token.text.length;
      i = start - 1;
    }
    if (start < text.length) fragments.push(text.slice(start));
    return fragments;
  }

  #unit(text: string, i: number): number {
    const unit = text.charCodeAt(i);
    return unit === SPACE_MARK && this.#marksAreSpaces ? SPACE : unit;
  }

  /** Puts the longest token that begins at `at` and touches nothing taken among the candidates. */
  #offer(text: string, at: number, taken: Uint8Array | null, candidates: MinHeap): void {
    let best = -1;
    let node: Node | undefined = this.#root;
    for (let i = at; i < text.length && !taken?.[i]; i++) {
      node = node.next.get(this.#unit(text, i));
      if (!node) break;
      if (node.order >= 0) best = node.order;
    }
    if (best >= 0) candidates.push(best * POSITIONS + at);
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
