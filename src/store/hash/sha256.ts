// SHA-256 of bytes that come in pieces: WebCrypto hashes only what is in memory as a whole, and a model never is. Single
// blocks are hashed by WebCrypto, which is several times faster; this is for whole files.
import {sha256} from '@noble/hashes/sha2.js';
import {toHex} from './integrity.ts';

/** SHA-256 (FIPS 180-4) of bytes in order. */
export class Sha256 {
  readonly #hash = sha256.create();
  #length = 0;

  /** Bytes hashed so far. */
  get length(): number {
    return this.#length;
  }

  update(bytes: Uint8Array): this {
    this.#hash.update(bytes);
    this.#length += bytes.length;
    return this;
  }

  /** The hash in hex. More may be hashed afterwards. */
  digest(): string {
    return toHex(this.#hash.clone().digest());
  }
}
