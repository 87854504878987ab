// Reads primitives from the front of a file, fetching ever larger ranges ahead. Knows bytes, not GGUF's structure.
//
// Use: `if (cursor.available < n) await cursor.fill(n)`, then up to n bytes of synchronous reads. That keeps half a
// million string reads free of promises.
import {GemmaError} from '../errors.ts';
import type {ByteSource} from './byte-source.ts';

// A small file's header takes one read; a 16 MB one (Gemma 4's vocabulary and merges) about nine. What is read
// beyond the header is at most the header's own size or MAX_CHUNK.
const FIRST_CHUNK = 64 * 1024;
const MAX_CHUNK = 4 * 1024 * 1024;

/** Reads little-endian primitives in order. @throws GemmaError `gguf-truncated` */
export class HeaderCursor {
  /** What is being read, for error messages. */
  where = 'the header';

  readonly #source: ByteSource;
  readonly #limit: number;
  readonly #signal: AbortSignal | undefined;
  #chunk = FIRST_CHUNK;
  /** Bytes [#start, #start + #bytes.length) of the file; everything before #at is consumed. */
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  #start = 0;
  #at = 0;

  /** Never asks the source for a byte at or beyond `limit`. */
  constructor(source: ByteSource, limit: number, signal?: AbortSignal) {
    this.#source = source;
    this.#limit = limit;
    this.#signal = signal;
  }

  /** Bytes from the start of the file to the next read. */
  get position(): number {
    return this.#start + this.#at;
  }

  /** Bytes between here and the end of the file. */
  get left(): number {
    return this.#source.size - this.position;
  }

  /** Bytes that can be read without `fill`. */
  get available(): number {
    return this.#bytes.length - this.#at;
  }

  /**
   * Makes at least `need` bytes available. Views from `take` stay valid.
   * @throws GemmaError `gguf-truncated` if the file has fewer, `gguf-invalid` if they lie beyond the limit.
   */
  async fill(need: number): Promise<void> {
    this.requireLeft(need);
    if (this.available >= need) return;
    const start = this.#start + this.#bytes.length;
    const wanted = Math.max(need - this.available, this.#chunk);
    const length = Math.min(wanted, Math.min(this.#source.size, this.#limit) - start);
    this.#chunk = Math.min(this.#chunk * 2, MAX_CHUNK);

    this.#signal?.throwIfAborted();
    const read = await this.#source.read(start, length, this.#signal);
    if (read.length !== length) {
      throw new GemmaError(
        'gguf-truncated',
        `${this.#source.name}: ${length} bytes asked at ${start}, ${read.length} came. Load the file again`,
        {detail: {offset: start, expected: length, found: read.length}},
      );
    }
    const joined = new Uint8Array(this.available + length);
    joined.set(this.#bytes.subarray(this.#at));
    joined.set(read, this.available);
    this.#start = this.position;
    this.#at = 0;
    this.#bytes = joined;
    this.#view = new DataView(joined.buffer);
  }

  /** Refuses a length that the file or the header limit cannot hold, before anything is read for it. */
  requireLeft(need: number): void {
    if (need > this.left) {
      throw new GemmaError(
        'gguf-truncated',
        `${this.#source.name}: ${this.where} takes at least ${need} bytes at ${this.position}, but the file has ` +
          `${this.#source.size}. It was cut short or is damaged: download it again`,
        {detail: {offset: this.position, expected: need, found: this.left}},
      );
    }
    if (this.position + need > this.#limit) {
      throw this.invalid(`takes ${need} bytes at ${this.position}; a header has at most ${this.#limit} bytes`);
    }
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  i8(): number {
    return this.#view.getInt8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  i16(): number {
    return this.#view.getInt16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  f32(): number {
    return this.#view.getFloat32(this.#advance(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#advance(8), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#advance(8), true);
  }

  /**
   * A u64 that counts something, as an exact number.
   * @throws GemmaError `gguf-invalid` above 2^53 − 1.
   */
  count(what: string): number {
    const low = this.u32();
    const high = this.u32();
    if (high >= 2 ** 21) {
      throw this.invalid(
        `has a ${what} of ${BigInt(high) * 2n ** 32n + BigInt(low)}; the largest possible is 2^53 − 1`,
      );
    }
    return high * 2 ** 32 + low;
  }

  /** The next `length` bytes: a view into what was read, to be copied if it is kept. */
  take(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** The error for a structure that breaks the format. `problem` follows the name of what is being read. */
  invalid(problem: string, detail: Record<string, unknown> = {}): GemmaError {
    return new GemmaError(
      'gguf-invalid',
      `${this.#source.name}: ${this.where} ${problem}. The file is damaged or not a model`,
      {
        detail: {offset: this.position, ...detail},
      },
    );
  }

  #advance(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) throw new GemmaError('internal', `read of ${length} bytes without fill`);
    this.#at = at + length;
    return at;
  }
}
