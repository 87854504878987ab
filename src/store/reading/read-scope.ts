// What every read of an open file has in common: it ends when its caller aborts or the file is closed, and says why.
import {GemmaError} from '../../errors.ts';

/** The reads of one open file. */
export class ReadScope {
  readonly #closing = new AbortController();
  readonly #wake: () => void;
  readonly #onChanged: () => Promise<void>;

  /**
   * @param wake wakes reads that wait for blocks: called when one of their signals aborts
   * @param onChanged called before `file-changed` is thrown: the old blocks are to go with the old file
   */
  constructor(wake: () => void, onChanged: () => Promise<void>) {
    this.#wake = wake;
    this.#onChanged = onChanged;
  }

  /** Aborts when the file is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Ends all reads. */
  close(reason: GemmaError): void {
    this.#closing.abort(reason);
    this.#wake();
  }

  /** @throws the reason of a signal that has aborted */
  check(callers: AbortSignal | undefined): void {
    callers?.throwIfAborted();
    this.closing.throwIfAborted();
  }

  /** One read. `work` gets the caller's signal and the file's in one. */
  async run<T>(callers: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const {signal, unbind} = this.#bound(callers);
    try {
      return await work(signal);
    } catch (error) {
      throw await this.#explain(error, signal);
    } finally {
      unbind();
    }
  }

  /** As `run`, piece by piece. */
  async *stream<T>(
    callers: AbortSignal | undefined,
    work: (signal: AbortSignal) => AsyncGenerator<T, void, undefined>,
  ): AsyncGenerator<T, void, undefined> {
    const {signal, unbind} = this.#bound(callers);
    try {
      yield* work(signal);
    } catch (error) {
      throw await this.#explain(error, signal);
    } finally {
      unbind();
    }
  }

  #bound(callers: AbortSignal | undefined): {signal: AbortSignal; unbind: () => void} {
    const signal = callers ? AbortSignal.any([callers, this.closing]) : this.closing;
    signal.addEventListener('abort', this.#wake);
    return {signal, unbind: () => signal.removeEventListener('abort', this.#wake)};
  }

  async #explain(error: unknown, signal: AbortSignal): Promise<unknown> {
    if (signal.aborted) return signal.reason;
    if (error instanceof GemmaError && error.code === 'file-changed') await this.#onChanged();
    return error;
  }
}
