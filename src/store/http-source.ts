// Model bytes from a web server, by range requests. Learns the size from the first one (no HEAD: some hosts refuse it)
// and notices when the file changes meanwhile. Does not retry or cache.
import type {ByteSource} from '../gguf/byte-source.ts';
import {
  contentLength,
  type FileIdentity,
  partialIdentity,
  requireSame,
  statusError,
  wholeFileError,
} from './http-answer.ts';
import {discard, HttpConnection, type HttpSourceOptions, type Opened, WHOLE_FILE_LIMIT} from './http-connection.ts';
import {memorySource} from './memory-source.ts';
import {checkRange} from './range.ts';

export type {HttpSourceOptions};

// The first request brings a GGUF's first header chunk along; it is kept and answers the reader's first read.
const HEAD_BYTES = 64 * 1024;

/**
 * @param url Absolute, or relative to the page or worker that calls.
 * @throws GemmaError `option-invalid` (no usable URL), `network`, `cors`, `http-status`, `range-unsupported`,
 *   `gguf-truncated`; AbortError when `signal` aborts. Reads throw these and `file-changed`, `closed`.
 */
export async function httpSource(url: string | URL, options: HttpSourceOptions = {}): Promise<ByteSource> {
  const connection = new HttpConnection(url, options);
  const asked = {start: 0, end: HEAD_BYTES};
  const opened = await connection.request(asked, options.signal);
  const {response} = opened;
  if (response.status === 200) return memorySource(await connection.readWhole(opened), connection.name);

  const identity = await orDiscard(response, () => {
    if (isEmptyFile(response)) return undefined;
    if (response.status !== 206) throw statusError(connection.name, response);
    return partialIdentity(connection.name, response, asked);
  });
  if (!identity) {
    await discard(response);
    return memorySource(new Uint8Array(0), connection.name);
  }
  const head = await connection.readExactly(opened, Math.min(HEAD_BYTES, identity.size));
  return new HttpSource(connection, identity, head);
}

class HttpSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #connection: HttpConnection;
  readonly #identity: FileIdentity;
  /** The first bytes of the file. */
  readonly #head: Uint8Array;

  constructor(connection: HttpConnection, identity: FileIdentity, head: Uint8Array) {
    this.name = connection.name;
    this.size = identity.size;
    this.#connection = connection;
    this.#identity = identity;
    this.#head = head;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    this.#check(offset, length, signal);
    if (offset + length <= this.#head.length) return this.#head.slice(offset, offset + length);
    if (length === 0) return new Uint8Array(0);
    return this.#connection.readExactly(await this.#open(offset, length, signal), length);
  }

  async *stream(offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    this.#check(offset, length, signal);
    if (length === 0) return;
    yield* this.#connection.pieces(await this.#open(offset, length, signal), length);
  }

  close(): void {
    this.#connection.close();
  }

  #check(offset: number, length: number, signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    this.#connection.throwIfClosed();
    checkRange(this, offset, length);
  }

  async #open(offset: number, length: number, signal?: AbortSignal): Promise<Opened> {
    const range = {start: offset, end: offset + length};
    const opened = await this.#connection.request(range, signal);
    const {response} = opened;
    await orDiscard(response, () => {
      if (response.status === 200) throw wholeFileError(this.name, contentLength(response), WHOLE_FILE_LIMIT);
      if (response.status !== 206) throw statusError(this.name, response, this.size);
      requireSame(this.name, this.#identity, partialIdentity(this.name, response, range));
    });
    return opened;
  }
}

/** An empty file has no first byte to ask for. */
function isEmptyFile(response: Response): boolean {
  return response.status === 416 && /^bytes \*\/0$/.test(response.headers.get('Content-Range') ?? '');
}

/** Runs a check of the headers; where it throws, the body is not wanted. */
async function orDiscard<T>(response: Response, check: () => T): Promise<T> {
  try {
    return check();
  } catch (error) {
    await discard(response);
    throw error;
  }
}
