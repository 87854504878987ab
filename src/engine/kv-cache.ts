// Which page of the KV pool holds which positions of which sequence. Owns page tables and the free list; knows no
// buffer, no layer and no token's meaning. One physical page id stands for the same page of every layer's K and V.
//
// The pool has a fixed size. A sequence takes pages as it grows and gives them back when it is truncated or freed;
// nothing is ever copied. (A page has one owner here: sharing prefixes needs a count a page beside `#free`.)
import {GemmaError} from '../errors.ts';
import type {Sequence} from './engine.ts';

/** Positions a page holds. The kernels' PAGE_SIZE. */
export const PAGE_SIZE = 32;

export interface KvCacheShape {
  /** Pages in the pool. */
  pages: number;
  /** Sequences that may live at once: each has a row in `tables`. */
  maxSequences: number;
  /** Positions a sequence may hold. */
  contextLength: number;
}

/** A sequence and how many positions it is about to grow by. */
export interface Growth {
  sequence: CachedSequence;
  positions: number;
}

export class KvCache {
  readonly shape: Readonly<KvCacheShape>;
  /** Entries of one sequence's table. */
  readonly tableLength: number;
  /** u32[maxSequences][tableLength]: entry i is the page of positions i·PAGE_SIZE … Stale past a sequence's end. */
  readonly tables: Uint32Array<ArrayBuffer>;
  readonly #free: number[];
  readonly #freeSlots: number[];
  #changedFrom = Number.POSITIVE_INFINITY;
  #changedTo = 0;

  constructor(shape: KvCacheShape) {
    this.shape = shape;
    this.tableLength = Math.ceil(shape.contextLength / PAGE_SIZE);
    this.tables = new Uint32Array(shape.maxSequences * this.tableLength);
    // Both stacks are filled backwards, so that low numbers go first.
    this.#free = Array.from({length: shape.pages}, (_, i) => shape.pages - 1 - i);
    this.#freeSlots = Array.from({length: shape.maxSequences}, (_, i) => shape.maxSequences - 1 - i);
  }

  get pagesUsed(): number {
    return this.shape.pages - this.#free.length;
  }

  get sequences(): number {
    return this.shape.maxSequences - this.#freeSlots.length;
  }

  /** @throws GemmaError `out-of-memory` when `maxSequences` are alive. */
  createSequence(): CachedSequence {
    const slot = this.#freeSlots.pop();
    if (slot === undefined) {
      throw new GemmaError(
        'out-of-memory',
        `all ${this.shape.maxSequences} conversations are in use; end one, or load the model with more`,
        {detail: {maxSequences: this.shape.maxSequences}},
      );
    }
    return new CachedSequence(slot, slot * this.tableLength, (sequence, pages) => this.#shrink(sequence, pages));
  }

  /**
   * Gives every sequence the pages for its growth, or changes nothing at all.
   * @throws GemmaError `context-overflow` past a sequence's end, `out-of-memory` when the pool has too few pages,
   *   `closed` for a freed sequence.
   */
  reserve(growths: readonly Growth[]): void {
    let wanted = 0;
    for (const {sequence, positions} of growths) {
      if (sequence.freed) throw new GemmaError('closed', 'the conversation was freed; create a new one');
      const length = sequence.tokens.length + positions;
      if (length > this.shape.contextLength) {
        throw new GemmaError(
          'context-overflow',
          `the conversation would have ${length} tokens; the context holds ${this.shape.contextLength}. Shorten it, or load the model with a longer context`,
          {detail: {tokens: length, contextLength: this.shape.contextLength}},
        );
      }
      wanted += Math.max(0, pagesFor(length) - sequence.pages);
    }
    if (wanted > this.#free.length) {
      throw new GemmaError(
        'out-of-memory',
        `${wanted} more pages of keys and values are needed, ${this.#free.length} of ${this.shape.pages} are free. End or shorten a conversation, or load the model with more pages`,
        {detail: {wanted, free: this.#free.length, pages: this.shape.pages}},
      );
    }
    for (const {sequence, positions} of growths) {
      const pages = pagesFor(sequence.tokens.length + positions);
      while (sequence.pages < pages) this.#setEntry(sequence.table + sequence.pages++, this.#free.pop()!);
    }
  }

  /** The part of `tables` that changed since the last call, as [from, to), or null. */
  takeChanges(): [from: number, to: number] | null {
    if (this.#changedTo === 0) return null;
    const range: [number, number] = [this.#changedFrom, this.#changedTo];
    this.#changedFrom = Number.POSITIVE_INFINITY;
    this.#changedTo = 0;
    return range;
  }

  #setEntry(index: number, page: number): void {
    this.tables[index] = page;
    this.#changedFrom = Math.min(this.#changedFrom, index);
    this.#changedTo = Math.max(this.#changedTo, index + 1);
  }

  #shrink(sequence: CachedSequence, pages: number): void {
    while (sequence.pages > pages) this.#free.push(this.tables[sequence.table + --sequence.pages]);
    if (sequence.freed) this.#freeSlots.push(sequence.slot);
  }
}

/** A conversation's place in the cache: its tokens and its table. */
export class CachedSequence implements Sequence {
  readonly slot: number;
  /** Where its table begins in `KvCache.tables`. */
  readonly table: number;
  /** Pages it holds. Only KvCache changes it. */
  pages = 0;
  freed = false;
  readonly #tokens: number[] = [];
  readonly #shrink: (sequence: CachedSequence, pages: number) => void;

  constructor(slot: number, table: number, shrink: (sequence: CachedSequence, pages: number) => void) {
    this.slot = slot;
    this.table = table;
    this.#shrink = shrink;
  }

  get tokens(): readonly number[] {
    return this.#tokens;
  }

  /** Records tokens whose keys and values were written to pages reserved before. */
  append(tokens: readonly number[]): void {
    for (const token of tokens) this.#tokens.push(token);
  }

  truncate(length: number): void {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new GemmaError(
        'internal',
        `cannot truncate a sequence to ${length} tokens; expected an integer, 0 or more`,
      );
    }
    if (this.freed) throw new GemmaError('closed', 'the conversation was freed; create a new one');
    if (length < this.#tokens.length) this.#tokens.length = length;
    this.#shrink(this, pagesFor(this.#tokens.length));
  }

  free(): void {
    if (this.freed) return;
    this.freed = true;
    this.#tokens.length = 0;
    this.#shrink(this, 0);
  }
}

function pagesFor(positions: number): number {
  return Math.ceil(positions / PAGE_SIZE);
}
