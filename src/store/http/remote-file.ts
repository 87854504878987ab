// One file on one server as bytes that arrive in the end: asks for ranges, goes on where a transfer broke off, and
// notices when the file is no longer the one that was opened. Knows no blocks and stores nothing.
import {GemmaError} from '../../errors.ts';
import type {Clock} from '../clock.ts';
import {linkedSha256} from '../hash/integrity.ts';
import {
  type ByteRange,
  contentLength,
  type FileIdentity,
  partialAnswer,
  requireSame,
  statusError,
} from './http-answer.ts';
import {discard, HttpConnection, type HttpSourceOptions, type Opened} from './http-connection.ts';
import {parseRetryAfter, type RetryPolicy, retryDelay} from './retry.ts';

export interface RemoteOptions extends Omit<HttpSourceOptions, 'signal'> {
  readonly clock: Clock;
  readonly policy: RetryPolicy;
  /** The whole file's hash will be checked: two answers of one size are of one file until that tells otherwise. */
  readonly hashJudges?: boolean;
}

/** 4 TiB: what a million blocks of a model's folder hold. A list of its blocks is made for a size, so it is judged before. */
const MAX_FILE_BYTES = 2 ** 42;

/** A transfer failed and is tried again after `waitMs`. */
export type OnRetry = (waitMs: number, error: GemmaError) => void;

/** One version of one file on a server. @throws GemmaError `file-changed` where it is another one now, and those of the connection */
export class RemoteFile {
  readonly name: string;
  /** Absolute, without fragment. */
  readonly url: string;
  readonly #connection: HttpConnection;
  readonly #clock: Clock;
  readonly #policy: RetryPolicy;
  readonly #hashJudges: boolean;
  #identity: FileIdentity | null;
  #sha256: string | null = null;
  #ranges = true;
  #answered = false;
  /** A small file of unknown size had to be read whole. */
  #whole: Uint8Array | null = null;

  /** @param stored which file it has to be, where that is known already */
  constructor(url: string, options: RemoteOptions, stored: FileIdentity | null = null) {
    this.#connection = new HttpConnection(url, options);
    this.name = this.#connection.name;
    this.url = this.#connection.url;
    this.#clock = options.clock;
    this.#policy = options.policy;
    this.#hashJudges = options.hashJudges ?? false;
    this.#identity = stored;
  }

  /** Null until the first answer. */
  get identity(): FileIdentity | null {
    return this.#identity;
  }

  /** What the server says of the whole file's hash. */
  get sha256(): string | null {
    return this.#sha256;
  }

  /** False once the server has answered a range with the whole file. */
  get ranges(): boolean {
    return this.#ranges;
  }

  /** Whether the server has answered at all. */
  get answered(): boolean {
    return this.#answered;
  }

  /** Ends every transfer with GemmaError `closed`. */
  close(): void {
    this.#connection.close();
  }

  throwIfClosed(): void {
    this.#connection.throwIfClosed();
  }

  /**
   * The bytes from `start` to `end` or to the end of the file, whichever comes first, in pieces as they come. From a
   * server without ranges they come too, after all that is before them: ask for large ranges there.
   * @throws GemmaError `network`, `cors`, `http-status`, `range-unsupported`, `file-changed`, `gguf-truncated`, `closed`
   */
  pieces(range: ByteRange, signal: AbortSignal, onRetry?: OnRetry): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#pieces(range, signal, {onRetry, through: true});
  }

  /** The same to learn which file it is: from a server without ranges nothing, where it would not be the file's beginning. */
  glimpse(range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#pieces(range, signal, {through: false});
  }

  async *#pieces(
    range: ByteRange,
    signal: AbortSignal,
    {onRetry, through}: {onRetry?: OnRetry; through: boolean},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let at = range.start;
    let failures = 0;
    for (;;) {
      try {
        for await (const piece of this.#attempt({start: at, end: range.end}, signal, through)) {
          at += piece.length;
          failures = 0;
          yield piece;
        }
        // An answer may end before its range does.
        const end = Math.min(range.end, this.#identity?.size ?? 0);
        if (at >= end || !this.#ranges) return;
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        this.throwIfClosed();
        const wait = retryDelay({error, before: failures++, known: this.#answered}, this.#policy);
        if (wait === null) throw (this.#answered ? null : await this.#connection.rangesFail(error, signal)) ?? error;
        onRetry?.(wait, error as GemmaError);
        await this.#clock.sleep(wait, signal);
      }
    }
  }

  /** One request and its body, as far as it comes. */
  async *#attempt(
    range: ByteRange,
    callers: AbortSignal,
    through: boolean,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#whole) return yield* one(this.#whole.subarray(range.start, range.end));
    const stall = new AbortController();
    const signal = AbortSignal.any([callers, stall.signal]);
    const guard = new StallGuard(this.#clock, this.#policy.stallMs, () => stall.abort(this.#stalled()));
    try {
      const opened = await this.#connection.request(range, signal);
      const body = await this.#accept(opened, range, through);
      for await (const piece of body) {
        // However long the reader takes: the server is not to blame for it.
        guard.pause();
        yield piece;
        guard.resume();
      }
    } finally {
      guard.stop();
    }
  }

  /** Judges the answer's headers; the pieces of `range` in its body. */
  async #accept(opened: Opened, range: ByteRange, through: boolean): Promise<AsyncIterable<Uint8Array>> {
    const {response} = opened;
    try {
      if (response.status === 200) return await this.#acceptWhole(opened, range, through);
      if (isEmptyFile(response)) {
        this.#learn({size: 0, etag: null, lastModified: null}, response);
        await discard(response);
        return none();
      }
      if (response.status !== 206) throw this.#statusError(response);
      const {identity, end} = partialAnswer(this.name, response, range);
      this.#learn(identity, response);
      return this.#connection.pieces(opened, end - range.start);
    } catch (error) {
      await discard(response);
      throw error;
    }
  }

  async #acceptWhole(opened: Opened, range: ByteRange, through: boolean): Promise<AsyncIterable<Uint8Array>> {
    const {response} = opened;
    this.#ranges = false;
    const size = response.headers.get('Content-Encoding') === null ? contentLength(response) : undefined;
    const {headers} = response;
    const validators = {etag: headers.get('ETag'), lastModified: headers.get('Last-Modified')};
    if (size === undefined) {
      // Compressed or generated: the size is known at the end, and the file has to be small.
      const bytes = await this.#connection.readWhole(opened);
      this.#learn({size: bytes.length, ...validators}, response);
      this.#whole = bytes;
      return one(bytes.subarray(range.start, range.end));
    }
    this.#learn({size, ...validators}, response);
    if (!through && range.start > 0) {
      await discard(response);
      return none();
    }
    return part(this.#connection.pieces(opened, size), range);
  }

  /**
   * @throws GemmaError `file-changed` if it is not the file that is known; `range-unsupported` for a size that no file has
   */
  #learn(answer: FileIdentity, response: Response): void {
    const found = {...answer, sha256: linkedSha256(response.headers.get('X-Linked-ETag'))};
    if (found.size > MAX_FILE_BYTES) {
      throw new GemmaError(
        'range-unsupported',
        `${this.name}: the server says that the file has ${found.size} bytes; at most ${MAX_FILE_BYTES} are supported. Check the address`,
        {detail: {size: found.size, limit: MAX_FILE_BYTES}},
      );
    }
    if (this.#identity) {
      // With a hash to be checked, nothing but the size is believed.
      const opened = this.#hashJudges ? {size: this.#identity.size, etag: null, lastModified: null} : this.#identity;
      requireSame(this.name, opened, found);
    }
    this.#identity ??= found;
    this.#sha256 ??= found.sha256;
    this.#answered = true;
  }

  #statusError(response: Response): GemmaError {
    const error = statusError(this.name, response, this.#identity?.size);
    const retryAfterMs = parseRetryAfter(response.headers.get('Retry-After'), this.#clock);
    if (retryAfterMs !== null) error.detail.retryAfterMs = retryAfterMs;
    return error;
  }

  #stalled(): GemmaError {
    const seconds = Math.round(this.#policy.stallMs / 1000);
    return new GemmaError(
      'network',
      `${this.name}: the server sent nothing for ${seconds} s. Check the connection and load again`,
      {
        detail: {url: this.name, stalled: true},
      },
    );
  }
}

/** Rings once nothing was alive for a whole period. One timer a period, however many pieces come. */
class StallGuard {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #ring: () => void;
  #alive = false;
  #paused = false;
  #cancel: () => void;

  constructor(clock: Clock, ms: number, ring: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#ring = ring;
    this.#cancel = this.#arm();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#alive = true;
  }

  stop(): void {
    this.#cancel();
  }

  #arm(): () => void {
    return this.#clock.alarm(this.#ms, () => {
      if (!this.#alive && !this.#paused) return this.#ring();
      this.#alive = false;
      this.#cancel = this.#arm();
    });
  }
}

/** An empty file has no first byte to ask for. */
function isEmptyFile(response: Response): boolean {
  return response.status === 416 && /^bytes \*\/0$/.test(response.headers.get('Content-Range') ?? '');
}

async function* none(): AsyncGenerator<Uint8Array, void, undefined> {}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.length > 0) yield bytes;
}

/** The pieces' bytes inside `range`; what comes after it is not taken. */
async function* part(
  pieces: AsyncIterable<Uint8Array>,
  {start, end}: ByteRange,
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = 0;
  for await (const piece of pieces) {
    const inside = piece.subarray(Math.max(0, start - at), Math.max(0, end - at));
    at += piece.length;
    if (inside.length > 0) yield inside;
    if (at >= end) return;
  }
}
