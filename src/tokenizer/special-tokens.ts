// Cuts text at special tokens before anything else looks at it: the longest token of the whole text first, then the next,
// never inside one already found (llama.cpp's order). Knows texts and ids only.
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

export class SpecialTokens {
  readonly #tokens: readonly SpecialToken[];
  readonly #root: Node = {next: new Map(), order: -1};

  constructor(tokens: readonly SpecialToken[]) {
    const length = new Map(tokens.map(({id, text}) => [id, new TextEncoder().encode(text).length]));
    // Longest in bytes, then lowest id.
    this.#tokens = tokens
      .filter(({text}) => text !== '')
      .sort((a, b) => length.get(b.id)! - length.get(a.id)! || a.id - b.id);
    this.#tokens.forEach(({text}, order) => {
      let node = this.#root;
      for (let i = 0; i < text.length; i++) {
        const unit = text.charCodeAt(i);
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

  /** Puts the longest token that begins at `at` and touches nothing taken among the candidates. */
  #offer(text: string, at: number, taken: Uint8Array | null, candidates: MinHeap): void {
    let best = -1;
    let node: Node | undefined = this.#root;
    for (let i = at; i < text.length && !taken?.[i]; i++) {
      node = node.next.get(text.charCodeAt(i));
      if (!node) break;
      if (node.order >= 0) best = node.order;
    }
    if (best >= 0) candidates.push(best * POSITIONS + at);
  }
}
