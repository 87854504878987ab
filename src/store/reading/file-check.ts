// Whether a whole file has the SHA-256 that it should have, from its blocks as they pass by. Fetches nothing.
import type {ModelFolder} from '../folder/model-folder.ts';
import {WholeHash} from '../hash/whole-hash.ts';

/** The longest header that is hashed before a stream: 32 MiB with blocks of 4 MiB. */
const MAX_HEADER_BLOCKS = 8;

/** The check of one file. */
export class FileCheck {
  readonly #folder: ModelFolder;
  readonly #expected: string | null;
  /** Null if no hash is expected, or the file had it when it was stored. */
  readonly #hash: WholeHash | null;

  /** @param expected SHA-256 in hex; null if none is known */
  constructor(folder: ModelFolder, expected: string | null) {
    this.#folder = folder;
    this.#expected = expected;
    this.#hash = expected === null || folder.sha256 === expected ? null : new WholeHash(folder.size);
  }

  /** Bytes hashed so far. */
  get hashedBytes(): number {
    return this.#hash?.length ?? 0;
  }

  /** Whether there is something to check. */
  get pending(): boolean {
    return this.#hash !== null && this.#folder.sha256 !== this.#expected;
  }

  /** Whether every byte has been hashed. */
  get complete(): boolean {
    return this.#hash?.complete ?? true;
  }

  /** Whether the file has the hash, once it is complete. */
  get right(): boolean {
    return this.#hash?.digest() === this.#expected;
  }

  /** The hash that was found, in hex. */
  get found(): string | null {
    return this.#hash?.digest() ?? null;
  }

  /** A whole block passes by. Blocks may come in any order, and more than once. */
  offer(index: number, bytes: Uint8Array): void {
    this.#hash?.offer(index, bytes);
  }

  /**
   * Hashes stored blocks before `block`, those of a header: otherwise they would have to be read again after the stream.
   * @throws the reason of `signal`
   */
  async hashUpTo(block: number, signal: AbortSignal): Promise<void> {
    const next = this.#hash?.next ?? block;
    if (block - next > MAX_HEADER_BLOCKS) return;
    for (let index = next; index < block && this.#folder.has(index); index++) {
      signal.throwIfAborted();
      const bytes = await this.#folder.read(index);
      if (bytes) this.offer(index, bytes);
    }
  }
}
