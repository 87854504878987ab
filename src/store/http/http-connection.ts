// One file on one server: sends ranged GETs and reads their bodies, never more than was asked for. Knows what breaks on
// the way; what an answer's headers mean is http-answer.ts.
import {GemmaError, hasCode} from '../../errors.ts';
import {truncated} from '../sources/range.ts';
import {type ByteRange, contentLength, wholeFileError} from './http-answer.ts';
import {connectionError} from './http-failure.ts';

export interface HttpSourceOptions {
  /** Stops the opening; reads have signals of their own. */
  signal?: AbortSignal;
  fetch?: typeof fetch;
  /** The page's or worker's origin, to tell a cross-origin refusal from a broken connection. */
  origin?: string;
}

/** An answer whose headers have come, and the signal that its body obeys. */
export interface Opened {
  readonly response: Response;
  readonly signal: AbortSignal;
}

/** Bytes that are read at once. */
const PIECE_BYTES = 256 * 1024;
/** The largest file taken from a server that knows no ranges. */
export const WHOLE_FILE_LIMIT = 64 * 2 ** 20;

/** Ranged requests of one file. @throws GemmaError `network`, `http-status`, `cors`, `range-unsupported`; AbortError */
export class HttpConnection {
  /** For messages: the URL without its query. */
  readonly name: string;
  readonly #url: URL;
  readonly #fetch: typeof fetch;
  readonly #origin: string | undefined;
  readonly #closing = new AbortController();

  constructor(url: string | URL, options: HttpSourceOptions) {
    this.#url = parseUrl(url);
    this.name = displayName(this.#url);
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#origin = options.origin ?? workerLocation()?.origin;
  }

  /** Absolute, without fragment. */
  get url(): string {
    return this.#url.href.replace(/#.*$/, '');
  }

  /** Ends every transfer with GemmaError `closed`; so does each later request. */
  close(): void {
    this.#closing.abort(new GemmaError('closed', `${this.name} was closed`));
  }

  throwIfClosed(): void {
    this.#closing.signal.throwIfAborted();
  }

  /** The answer, whatever its status. The caller reads its body or discards it. */
  async request({start, end}: ByteRange, callersSignal?: AbortSignal): Promise<Opened> {
    const closing = this.#closing.signal;
    const signal = callersSignal ? AbortSignal.any([callersSignal, closing]) : closing;
    signal.throwIfAborted();
    try {
      const headers = {Range: `bytes=${start}-${end - 1}`};
      // no-store: a browser's cache would hold up parallel ranges of one file, and mix old bytes with new ones.
      return {response: await this.#fetch(this.#url, {headers, cache: 'no-store', signal}), signal};
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const {name} = this;
      throw await connectionError({name, url: this.#url, origin: this.#origin, fetch: this.#fetch, signal}, error);
    }
  }

  /**
   * Whether a request fails for its range alone: browsers refuse a range that is compressed on the way, and say no more than
   * that the fetch failed. Asks without a range, and once more with one.
   * @returns `range-unsupported`, or null where that is not it
   */
  async rangesFail(error: unknown, signal: AbortSignal): Promise<GemmaError | null> {
    if (!hasCode(error, 'network') && !hasCode(error, 'cors')) return null;
    const fetched = async (headers: Record<string, string>): Promise<Response | null> => {
      try {
        const response = await this.#fetch(this.#url, {headers, cache: 'no-store', signal});
        await discard(response);
        return response;
      } catch {
        return null;
      }
    };
    const whole = await fetched({});
    if (!whole?.ok || (await fetched({Range: 'bytes=0-0'}))) return null;
    return new GemmaError(
      'range-unsupported',
      `${this.name}: the file can be fetched, and a range of it cannot. Its server, or a proxy, must not compress .gguf files`,
      {detail: {contentEncoding: whole.headers.get('Content-Encoding')}, cause: error},
    );
  }

  /** The pieces of a body that must hold exactly `length` bytes, as they come; each is valid until the next is asked for. */
  async *pieces({response, signal}: Opened, length: number): AsyncGenerator<Uint8Array, void, undefined> {
    let received = 0;
    for await (const piece of this.#body(response, signal)) {
      received += piece.length;
      if (received > length) {
        const encoding = response.headers.get('Content-Encoding');
        const advice = encoding ? `, and without Content-Encoding: ${encoding}` : ', and without compressing it';
        throw new GemmaError(
          'range-unsupported',
          `${this.name}: the server sent more than the ${length} bytes asked for. It must answer a Range header exactly${advice}`,
          {detail: {contentEncoding: encoding}},
        );
      }
      yield piece;
    }
    if (received < length) {
      throw truncated(this, `${length} bytes were asked for and ${received} came`, {expected: length, found: received});
    }
  }

  /**
   * The whole of a file that came where a range was asked for.
   * @throws GemmaError `range-unsupported` if it is large or its size is not announced; nothing is buffered then.
   */
  async readWhole({response, signal}: Opened): Promise<Uint8Array> {
    const announced = contentLength(response);
    if (announced === undefined || announced > WHOLE_FILE_LIMIT) {
      await discard(response);
      throw wholeFileError(this.name, announced, WHOLE_FILE_LIMIT);
    }
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of this.#body(response, signal)) {
      size += piece.length; // may pass what was announced, where the server compresses
      if (size > WHOLE_FILE_LIMIT) throw wholeFileError(this.name, announced, WHOLE_FILE_LIMIT);
      pieces.push(piece.slice());
    }
    if (size < announced && response.headers.get('Content-Encoding') === null) {
      throw truncated(this, `the server announced ${announced} bytes and sent ${size}`);
    }
    return joined(pieces, size);
  }

  /** A body's pieces; each is valid until the next is asked for. Leaving the loop early ends the transfer. */
  async *#body(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    if (!response.body) return;
    const reader = pieceReader(response.body);
    // Not every fetch ends a read whose body is complete but for its end when it is aborted (Node's does not).
    let abort = (): void => {};
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort);
    });
    try {
      for (;;) {
        signal.throwIfAborted();
        const piece = await Promise.race([reader.read(), aborted]);
        if (!piece) return;
        yield piece;
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw this.#brokenOff(error);
    } finally {
      signal.removeEventListener('abort', abort);
      // Not waited for: what a server does with it does not concern the reader.
      reader.cancel().catch(() => undefined);
    }
  }

  #brokenOff(cause: unknown): GemmaError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new GemmaError('network', `${this.name}: the connection broke off (${reason}). Check it and load again`, {
      detail: {url: this.name},
      cause,
    });
  }
}

interface PieceReader {
  /** Undefined at the end. */
  read(): Promise<Uint8Array | undefined>;
  cancel(): Promise<void>;
}

/** Into one buffer over and over where the platform can: gigabytes of pieces are more than a garbage collector keeps up with. */
function pieceReader(body: ReadableStream<Uint8Array>): PieceReader {
  let into: ReadableStreamBYOBReader;
  try {
    into = body.getReader({mode: 'byob'});
  } catch {
    const reader = body.getReader();
    return {read: async () => (await reader.read()).value, cancel: () => reader.cancel()};
  }
  let buffer = new ArrayBuffer(PIECE_BYTES);
  return {
    async read() {
      const {done, value} = await into.read(new Uint8Array(buffer));
      if (done || !value) return undefined;
      buffer = value.buffer;
      return value;
    },
    cancel: () => into.cancel(),
  };
}

/** Ends the transfer of a body that no one reads. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** The page's or worker's; Node has none. */
function workerLocation(): {href: string; origin: string} | undefined {
  return (globalThis as {location?: {href: string; origin: string}}).location;
}

function parseUrl(url: string | URL): URL {
  let parsed: URL;
  try {
    parsed = new URL(url, workerLocation()?.href);
  } catch (cause) {
    throw new GemmaError('option-invalid', `"${url}" is not a URL; expected the address of a GGUF file`, {cause});
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new GemmaError(
      'option-invalid',
      `${displayName(parsed)}: the address holds a name or a password, which browsers refuse; leave them out`,
    );
  }
  return parsed;
}

/** Without query, fragment and password: those may hold secrets, and messages are shown and logged. */
function displayName(url: URL): string {
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  return isWeb ? url.origin + url.pathname : (url.protocol + url.pathname).slice(0, 100);
}
