// Reads ranges of a file at any place: from blocks on their way, from stored ones, else from the server. Owns how much of a
// missing block is fetched for it.
import type {Transfers} from '../transfer/transfers.ts';

/**
 * `header`: of a missing block only what is asked for is fetched; `weights`: whole blocks, because the rest will be read
 * too; `after`: the load is over and others may write, so each fetch is written down at once.
 */
export type ReadPhase = 'header' | 'weights' | 'after';

/** Reads ranges of one open file. */
export class RangeReader {
  phase: ReadPhase = 'header';
  readonly #transfers: Transfers;
  readonly #forgets: boolean;

  /** @param forgets whether the folder forgets blocks */
  constructor(transfers: Transfers, forgets: boolean) {
    this.#transfers = transfers;
    this.#forgets = forgets;
  }

  /** Bytes [offset, offset + length) of the file. */
  async read(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array> {
    const {folder} = this.#transfers.context;
    const bytes = new Uint8Array(length);
    const end = offset + length;
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / folder.blockBytes);
      const start = index * folder.blockBytes;
      const to = Math.min(end - start, folder.blockLength(index));
      const part = await this.#part(index, at - start, to, end, signal);
      bytes.set(part, at - offset);
      at += part.length;
    }
    return bytes;
  }

  /** At least one of the bytes [from, to) of a block, from `from` on. `end`: of the whole range, in the file. */
  async #part(index: number, from: number, to: number, end: number, signal: AbortSignal): Promise<Uint8Array> {
    const {folder, assembly, remote} = this.#transfers.context;
    for (;;) {
      signal.throwIfAborted();
      const pending = assembly.pending(index);
      if (pending && pending.filled >= to) return pending.bytes.slice(from, to);
      if (!pending && folder.has(index)) {
        const stored = await folder.slice(index, from, to);
        if (stored) return stored;
        continue;
      }
      assembly.head = index;
      // After loading from memory-only storage, fetch just the rows asked for, not whole blocks.
      if (this.phase === 'after' && this.#forgets && remote.ranges) {
        const start = index * folder.blockBytes;
        return this.#transfers.fetchUnstored(start + from, start + to, signal);
      }
      await this.#fetch(index, end, signal);
    }
  }

  async #fetch(index: number, end: number, signal: AbortSignal): Promise<void> {
    const {blockBytes} = this.#transfers.context.folder;
    const until = this.phase === 'header' ? end : Math.ceil(end / blockBytes) * blockBytes;
    await this.#transfers.fetch(index, until, this.phase === 'after', signal);
  }
}
