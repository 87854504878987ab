// What BPE and SentencePiece-style encoding share: text to words, words to symbols, and merging the best pair until none
// is left, leftmost first among equals, in n log n. Which pairs merge, and how good they are, the subclass knows.
import {GemmaError} from '../errors.ts';
import {MinHeap} from './min-heap.ts';
import type {NeighbourFilter} from './neighbour-filter.ts';
import type {Pieces} from './pieces.ts';
import {codePointAt, writeCodePoint} from './utf8.ts';
import {NO_TOKEN, type Vocabulary} from './vocabulary.ts';

const SPACE = 0x20;
/** ▁, which stands for a space in every token. */
const SPACE_MARK = 0x2581;
const NEWLINE = 0x0a;

/** Heap keys are rank · 2³¹ + position: exact in a double for ranks below 2²¹. */
const POSITIONS = 2 ** 31;
export const MAX_RANK = 2 ** 21 - 1;

/** Characters between two yields: a few milliseconds. */
const PIECE_LENGTH = 2 ** 15;
/** Words up to this length are remembered; the memory is emptied when it holds so many. */
const CACHED_LENGTH = 48;
const CACHED_WORDS = 20_000;

/** An encoder by merges of neighbours. Its memory is used again from word to word. */
export abstract class MergeEncoder {
  protected readonly vocabulary: Vocabulary;
  readonly #neighbours: NeighbourFilter;
  readonly #newlineRuns: boolean;
  readonly #unknownId: number;
  readonly #cache = new Map<string, readonly number[]>();
  #heap = new MinHeap();
  /** UTF-8 of the word at hand, and its symbols as a linked list by position; the end is position `#count`. */
  protected bytes = new Uint8Array(0);
  #count = 0;
  #ids = new Int32Array(0);
  #starts = new Int32Array(0);
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  /** What merging the symbol at a position with its successor is: the subclass's number, or -1. */
  #pairs = new Int32Array(0);

  /**
   * @param newlineRuns runs of newlines are words of their own; one that is a token is taken whole (Gemma 4).
   * @param unknownId what stands for a byte that has no token of its own, or NO_TOKEN to drop it.
   */
  constructor(vocabulary: Vocabulary, neighbours: NeighbourFilter, newlineRuns: boolean, unknownId: number) {
    this.vocabulary = vocabulary;
    this.#neighbours = neighbours;
    this.#newlineRuns = newlineRuns;
    this.#unknownId = unknownId;
  }

  /** The merge of two neighbouring symbols whose bytes are `bytes[start … end)`, or -1. An id is NO_TOKEN if unknown. */
  protected abstract findMerge(left: number, right: number, start: number, end: number): number;
  /** Lower is merged first. */
  protected abstract rankOf(merge: number): number;
  protected abstract resultOf(merge: number): number;

  /**
   * Appends the ids of plain text. A lone surrogate counts as U+FFFD. Other texts may be encoded between two pieces.
   * @param longest characters of a word, which is one piece
   * @throws GemmaError `option-invalid` for a longer run of characters within which tokens could merge anywhere
   */
  *encode(text: string, out: number[], longest = Number.POSITIVE_INFINITY): Pieces<void> {
    let start = 0;
    let rested = 0;
    let left = -1;
    for (let i = 0; i < text.length; ) {
      const codePoint = codePointAt(text, i);
      const right = codePoint === SPACE ? SPACE_MARK : codePoint;
      if (left >= 0 && this.#cutsBetween(left, right)) {
        refuseLonger(i - start, longest);
        this.#encodeWord(text, start, i, out);
        start = i;
        if (start - rested > PIECE_LENGTH) {
          yield;
          rested = start;
        }
      }
      left = right;
      i += right > 0xffff ? 2 : 1;
    }
    refuseLonger(text.length - start, longest);
    if (start < text.length) this.#encodeWord(text, start, text.length, out);
  }

  #cutsBetween(left: number, right: number): boolean {
    if (this.#newlineRuns && (left === NEWLINE || right === NEWLINE)) return left !== right;
    return !this.#neighbours.mayJoin(left, right);
  }

  #encodeWord(text: string, start: number, end: number, out: number[]): void {
    if (end - start > CACHED_LENGTH) {
      this.#merge(text, start, end, out);
      return;
    }
    const word = text.slice(start, end);
    let ids = this.#cache.get(word);
    if (!ids) {
      const fresh: number[] = [];
      this.#merge(text, start, end, fresh);
      ids = fresh;
      if (this.#cache.size >= CACHED_WORDS) this.#cache.clear();
      // A copy: the slice would keep the whole text alive.
      this.#cache.set(ownString(word), ids);
    }
    for (const id of ids) out.push(id);
  }

  #merge(text: string, start: number, end: number, out: number[]): void {
    const count = this.#readSymbols(text, start, end);
    const byteLength = this.#starts[count];
    if (this.#newlineRuns && this.bytes[0] === NEWLINE) {
      const whole = this.vocabulary.idOfBytes(this.bytes, 0, byteLength);
      if (whole !== NO_TOKEN && !this.vocabulary.isMarkup(whole)) {
        out.push(whole);
        return;
      }
    }
    const heap = this.#heap;
    for (let i = 0; i + 1 < count; i++) this.#offer(i);
    while (heap.size > 0) {
      const key = heap.pop();
      const rank = Math.floor(key / POSITIONS);
      const left = key - rank * POSITIONS;
      const merge = this.#pairs[left];
      // Stale: the pair has gone, or another one stands here now.
      if (merge < 0 || this.rankOf(merge) !== rank) continue;
      const right = this.#next[left];
      const after = this.#next[right];
      this.#ids[left] = this.resultOf(merge);
      this.#pairs[right] = -1;
      this.#next[left] = after;
      this.#previous[after] = left;
      this.#offer(left);
      if (left > 0) this.#offer(this.#previous[left]);
    }
    for (let i = 0; i < count; i = this.#next[i]) {
      if (this.#ids[i] !== NO_TOKEN) out.push(this.#ids[i]);
      else this.#spell(this.#starts[i], this.#starts[this.#next[i]], out);
    }
  }

  /** Puts the pair at a position on the heap, if it merges. */
  #offer(left: number): void {
    const right = this.#next[left];
    if (right === this.#count) {
      this.#pairs[left] = -1;
      return;
    }
    const end = this.#starts[this.#next[right]];
    const merge = this.findMerge(this.#ids[left], this.#ids[right], this.#starts[left], end);
    this.#pairs[left] = merge;
    if (merge >= 0) this.#heap.push(this.rankOf(merge) * POSITIONS + left);
  }

  /** One symbol a code point, with spaces as ▁. Returns their number; `#starts[number]` is the length in bytes. */
  #readSymbols(text: string, start: number, end: number): number {
    this.#reserve(end - start);
    const bytes = this.bytes;
    let count = 0;
    let at = 0;
    for (let i = start; i < end; ) {
      let codePoint = codePointAt(text, i);
      i += codePoint > 0xffff ? 2 : 1;
      if (codePoint === SPACE) codePoint = SPACE_MARK;
      this.#ids[count] = this.vocabulary.idOfCodePoint(codePoint);
      this.#starts[count] = at;
      this.#next[count] = count + 1;
      this.#previous[count] = count - 1;
      count++;
      at = writeCodePoint(codePoint, bytes, at);
    }
    this.#starts[count] = at;
    this.#count = count;
    return count;
  }

  #reserve(length: number): void {
    // One very long word must not hold its memory for ever.
    const isWasteful = this.#ids.length > 2 ** 16 && length < 2 ** 12;
    if (this.#ids.length > length && !isWasteful) return;
    if (isWasteful) this.#heap = new MinHeap();
    const capacity = Math.max(64, 2 * length) + 1;
    this.bytes = new Uint8Array(3 * capacity); // a UTF-16 unit is at most three bytes
    this.#ids = new Int32Array(capacity);
    this.#starts = new Int32Array(capacity);
    this.#next = new Int32Array(capacity);
    this.#previous = new Int32Array(capacity);
    this.#pairs = new Int32Array(capacity);
  }

  /** Byte tokens for a symbol that the vocabulary lacks. */
  #spell(start: number, end: number, out: number[]): void {
    for (let i = start; i < end; i++) {
      const id = this.vocabulary.byteId(this.bytes[i]);
      if (id !== NO_TOKEN) out.push(id);
      else if (this.#unknownId !== NO_TOKEN) out.push(this.#unknownId);
    }
  }
}

function refuseLonger(length: number, longest: number): void {
  if (length <= longest) return;
  throw new GemmaError(
    'option-invalid',
    `a text has ${length} characters in a row that are one word to the tokenizer; at most ${longest} are read`,
    {detail: {length, limit: longest}},
  );
}

function ownString(slice: string): string {
  return ` ${slice}`.slice(1);
}
