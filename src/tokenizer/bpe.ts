// Gemma 4's encoding: byte-pair merges by rank over whole lines, spaces as ▁, no other normalisation.
// Knows merges and ids, not where they come from.
import {GemmaError} from '../errors.ts';
import type {PackedStrings} from '../gguf/metadata.ts';
import {MAX_RANK, MergeEncoder} from './merge-encoder.ts';
import {NeighbourFilter} from './neighbour-filter.ts';
import {PIECE, type Pieces} from './pieces.ts';
import {MAX_PROBES, refuseCollisions} from './probe-limit.ts';
import {firstCodePoint, lastCodePoint} from './utf8.ts';
import {NO_TOKEN, type Vocabulary} from './vocabulary.ts';

const SPACE = 0x20;

/** The merges as pairs of ids. A merge's number is its rank. */
class MergeTable {
  readonly neighbours = new NeighbourFilter();
  readonly results: Int32Array;
  readonly #left: Int32Array;
  readonly #right: Int32Array;
  /** Open addressing over (left, right); a power of two, at most half full. */
  readonly #table: Int32Array;

  static *build(merges: PackedStrings, vocabulary: Vocabulary): Pieces<MergeTable> {
    const table = new MergeTable(merges.length);
    for (let from = 0; from < merges.length; from += PIECE) {
      table.#add(merges, vocabulary, from, Math.min(from + PIECE, merges.length));
      yield;
    }
    return table;
  }

  private constructor(count: number) {
    if (count > MAX_RANK) throw invalid(`${count} merges; at most ${MAX_RANK} are supported`, {merges: count});
    let capacity = 16;
    while (capacity < count * 2) capacity *= 2;
    this.#table = new Int32Array(capacity).fill(-1);
    this.#left = new Int32Array(count);
    this.#right = new Int32Array(count);
    this.results = new Int32Array(count);
  }

  #add(merges: PackedStrings, vocabulary: Vocabulary, from: number, to: number): void {
    const joined = new Uint8Array(2 * vocabulary.maxBytes);
    const {bytes, offsets} = merges;
    for (let merge = from; merge < to; merge++) {
      const start = offsets[merge];
      const end = offsets[merge + 1];
      // The first space that leaves a left part: a part may itself begin with one.
      let space = start + 1;
      while (space < end && bytes[space] !== SPACE) space++;
      if (space + 1 >= end) throw invalid(`merge ${merge} is ${quote(merges, merge)}; expected two parts`, {merge});
      const left = vocabulary.idOfBytes(bytes, start, space);
      const right = vocabulary.idOfBytes(bytes, space + 1, end);
      if (left === NO_TOKEN || right === NO_TOKEN) {
        const part = new TextDecoder().decode(
          left === NO_TOKEN ? bytes.subarray(start, space) : bytes.subarray(space + 1, end),
        );
        throw invalid(`merge ${merge} is ${quote(merges, merge)}, but no token is ${JSON.stringify(part)}`, {merge});
      }
      // Byte by byte: half a million views would take longer than all the rest.
      let length = 0;
      for (let i = start; i < end; i++) if (i !== space) joined[length++] = bytes[i];
      const result = vocabulary.idOfBytes(joined, 0, length);
      if (result === NO_TOKEN) {
        throw invalid(`merge ${merge} is ${quote(merges, merge)}, but no token is the two together`, {merge});
      }
      this.#left[merge] = left;
      this.#right[merge] = right;
      this.results[merge] = result;
      // Plain text must never become a control token, whatever the merges say.
      if (vocabulary.isMarkup(result)) continue;
      const slot = this.#slotOf(left, right);
      if (this.#table[slot] >= 0) continue; // the better rank of a pair that is there twice
      this.#table[slot] = merge;
      this.neighbours.add(lastCodePoint(bytes, space), firstCodePoint(bytes, space + 1));
    }
  }

  find(left: number, right: number): number {
    return this.#table[this.#slotOf(left, right)];
  }

  /** Where the merge of a pair stands, or the free place where it would. */
  #slotOf(left: number, right: number): number {
    const mask = this.#table.length - 1;
    let slot = hashPair(left, right) & mask;
    for (let probes = 0; this.#table[slot] >= 0; slot = (slot + 1) & mask) {
      if (++probes > MAX_PROBES) refuseCollisions('tokenizer.ggml.merges');
      const merge = this.#table[slot];
      if (this.#left[merge] === left && this.#right[merge] === right) break;
    }
    return slot;
  }
}

/** Byte-pair encoding (Sennrich et al., "Neural machine translation of rare words with subword units", 2016). */
export class BpeEncoder extends MergeEncoder {
  readonly #merges: MergeTable;

  static *build(vocabulary: Vocabulary, merges: PackedStrings, unknownId: number): Pieces<BpeEncoder> {
    return new BpeEncoder(vocabulary, yield* MergeTable.build(merges, vocabulary), unknownId);
  }

  private constructor(vocabulary: Vocabulary, table: MergeTable, unknownId: number) {
    super(vocabulary, table.neighbours, true, unknownId);
    this.#merges = table;
  }

  protected override findMerge(left: number, right: number): number {
    return left === NO_TOKEN || right === NO_TOKEN ? -1 : this.#merges.find(left, right);
  }

  protected override rankOf(merge: number): number {
    return merge;
  }

  protected override resultOf(merge: number): number {
    return this.#merges.results[merge];
  }
}

function hashPair(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> 7;
}

function quote(merges: PackedStrings, merge: number): string {
  return JSON.stringify(merges.get(merge).slice(0, 80));
}

function invalid(message: string, detail: Record<string, unknown>): GemmaError {
  return new GemmaError('tokenizer-invalid', `tokenizer.ggml.merges: ${message}. The file is damaged; get it again`, {
    detail,
  });
}
