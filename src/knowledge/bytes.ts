// Bytes of the index's binary files: variable-length numbers and short texts, written and read with every bound checked.
import {KnowledgeFailure} from './failure.ts';

/** The failure of a file that is not what the manifest says of it. */
export function invalidIndex(what: string): KnowledgeFailure {
  return new KnowledgeFailure(
    'knowledge-invalid',
    `the index is not usable: ${what}. Make it anew with npx gemma-chat index`,
  );
}

/** Grows as it is written: LEB128 numbers and texts in UTF-8 after their length. */
export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;
  readonly #encoder = new TextEncoder();

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  /** Seven bits a byte, the lowest first. `value`: an integer from 0 to 2^31 - 1. */
  number(value: number): void {
    this.#room(5);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  text(text: string): void {
    const bytes = this.#encoder.encode(text);
    this.number(bytes.length);
    this.raw(bytes);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Reads what ByteWriter wrote. @throws KnowledgeFailure beyond the end, or for a number that is too large */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  readonly #decoder = new TextDecoder('utf-8', {fatal: true});
  #at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** @throws KnowledgeFailure `knowledge-invalid` past the end or above 2^31 - 1 */
  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0x7fffffff) break;
        return value;
      }
    }
    throw invalidIndex(`${this.#what} is cut short or damaged`);
  }

  /** How many things follow, each of at least `size` bytes: no more than there is room for. */
  count(size = 1): number {
    const count = this.number();
    if (count * size > this.left) throw invalidIndex(`${this.#what} announces more than it has`);
    return count;
  }

  raw(length: number): Uint8Array {
    if (length > this.left) throw invalidIndex(`${this.#what} is cut short`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    try {
      return this.#decoder.decode(this.raw(this.count()));
    } catch (cause) {
      throw cause instanceof KnowledgeFailure ? cause : invalidIndex(`${this.#what} has text that is no UTF-8`);
    }
  }

  /** @throws KnowledgeFailure unless all was read */
  end(): void {
    if (this.left > 0) throw invalidIndex(`${this.#what} has ${this.left} bytes too many`);
  }
}
