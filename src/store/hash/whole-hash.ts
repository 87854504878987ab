// The hash of a file whose blocks pass by in any order and more than once: takes each one when its turn has come.
import {Sha256} from './sha256.ts';

/** SHA-256 of a file, of blocks in any order. */
export class WholeHash {
  readonly #hash = new Sha256();
  readonly #size: number;
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Bytes hashed, from the first of the file. */
  get length(): number {
    return this.#hash.length;
  }

  /** The block whose turn it is. */
  get next(): number {
    return this.#next;
  }

  get complete(): boolean {
    return this.length === this.#size;
  }

  /** A whole block passes by. */
  offer(index: number, bytes: Uint8Array): void {
    if (index !== this.#next || this.complete) return;
    this.#hash.update(bytes);
    this.#next++;
  }

  /** In hex. */
  digest(): string {
    return this.#hash.digest();
  }
}
