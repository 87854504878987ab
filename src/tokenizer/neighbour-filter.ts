// Which two characters can ever stand on both sides of a merge. Text may be cut wherever they cannot, and the pieces
// encoded apart with the same result: that turns a line without a newline into words. Knows no vocabulary.
import {codePointLength, firstCodePoint} from './utf8.ts';

const BITS = 22;

/** A set of character pairs. May say yes to a pair it was not told of (then a cut is missed), never no to one it was. */
export class NeighbourFilter {
  readonly #words = new Uint32Array(1 << (BITS - 5));

  add(left: number, right: number): void {
    const bit = hash(left, right);
    this.#words[bit >>> 5] |= 1 << (bit & 31);
  }

  mayJoin(left: number, right: number): boolean {
    const bit = hash(left, right);
    return (this.#words[bit >>> 5] & (1 << (bit & 31))) !== 0;
  }

  /** Adds every pair of neighbours within a token's UTF-8, `bytes[start … end)`. */
  addWithin(bytes: Uint8Array, start: number, end: number): void {
    let left = -1;
    for (let i = start; i < end; ) {
      const right = firstCodePoint(bytes, i);
      if (left >= 0) this.add(left, right);
      left = right;
      i += codePointLength(bytes[i]);
    }
  }
}

function hash(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right + 0x7f4a7c15, 0x85ebca6b);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> (32 - BITS);
}
