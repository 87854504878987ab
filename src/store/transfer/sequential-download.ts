// One transfer of the whole file from its first byte on, for servers that send no ranges. It goes on between reads, waits
// when the disk or the reader is behind, and begins again only for a block that it has passed and no one kept.
import {isAbort} from '../../errors.ts';
import type {TransferContext} from './download.ts';

/** The one transfer of a file whose server sends no ranges. */
export class SequentialDownload {
  readonly #context: TransferContext;
  readonly #closing: AbortSignal;
  #running: AbortController | null = null;
  /** The byte that comes next. */
  #at = 0;
  #error: unknown = null;

  constructor(context: TransferContext, closing: AbortSignal) {
    this.#context = context;
    this.#closing = closing;
  }

  /** A reader stands before this block, and it is missing. @throws what the transfer threw since the last call */
  need(index: number): void {
    if (this.#error) {
      const error = this.#error;
      this.#error = null;
      throw error;
    }
    const {folder, assembly} = this.#context;
    const missing = index * folder.blockBytes + assembly.filled(index);
    if (this.#running && this.#at <= missing) return;
    this.#running?.abort(new DOMException('the transfer begins again', 'AbortError'));
    const running = new AbortController();
    this.#running = running;
    this.#at = 0;
    this.#run(running).catch((error) => {
      if (this.#running === running) this.#running = null;
      if (!isAbort(error)) this.#error = error;
      assembly.notify();
    });
  }

  async #run(running: AbortController): Promise<void> {
    const {remote, folder, assembly, lock, hooks, onRetry} = this.#context;
    const signal = AbortSignal.any([running.signal, this.#closing]);
    await lock.during(signal, hooks, async () => {
      let at = 0;
      for await (const piece of remote.pieces({start: 0, end: folder.size}, signal, onRetry)) {
        await assembly.accept(at, piece, signal);
        at += piece.length;
        if (this.#running === running) this.#at = at;
      }
    });
    if (this.#running === running) this.#running = null;
    assembly.notify();
  }
}
