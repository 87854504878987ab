// Puts the pieces that transfers bring together to blocks, hands full ones to the folder, and holds transfers back while
// the disk or the reader is behind. What is in memory of a model while it loads is here: a block a transfer, a few that
// are being written.
import {GemmaError} from '../../errors.ts';
import type {ModelFolder} from '../folder/model-folder.ts';
import type {BlockMemory} from './block-memory.ts';

/** A block on its way: its first `filled` bytes are here. */
export interface PendingBlock {
  readonly index: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  filled: number;
  /** Streams that show its bytes: it is not used again before they are through with it. */
  readers: number;
  stored: boolean;
}

export interface AssemblyOptions {
  /** Blocks that may come before a reader wants them, where the folder forgets; infinite where it keeps all. */
  readonly window: number;
  readonly memory: BlockMemory;
  /** Whether a block's memory serves the next one once it is stored. */
  readonly recycles: boolean;
  /** A block is whole. */
  readonly onBlock: (index: number, bytes: Uint8Array) => void;
}

/** Blocks that are being hashed and written at once. Transfers wait when the disk is slower than the network. */
const MAX_COMMITS = 2;

/** The blocks of one model on their way from transfers to the disk. */
export class BlockAssembly {
  readonly #folder: ModelFolder;
  readonly #options: AssemblyOptions;
  readonly #pending = new Map<number, PendingBlock>();
  readonly #waiting = new Set<() => void>();
  #commits = 0;
  #failure: unknown = null;
  #received = 0;
  #head = 0;

  constructor(folder: ModelFolder, options: AssemblyOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Bytes that came over the network. */
  get received(): number {
    return this.#received;
  }

  /** Bytes of blocks that are not stored yet. */
  get pendingBytes(): number {
    let sum = 0;
    for (const {filled} of this.#pending.values()) sum += filled;
    return sum;
  }

  pending(index: number): PendingBlock | undefined {
    return this.#pending.get(index);
  }

  /** A stream shows the block's bytes until `release`. */
  hold(index: number): PendingBlock | undefined {
    const block = this.#pending.get(index);
    if (block) block.readers++;
    return block;
  }

  release(block: PendingBlock): void {
    block.readers--;
    this.#recycle(block);
  }

  /** The first byte of the block that is missing, from its start. */
  filled(index: number): number {
    return this.#folder.has(index) ? this.#folder.blockLength(index) : (this.#pending.get(index)?.filled ?? 0);
  }

  /** A reader is here: transfers into a store that forgets may come as far as the window beyond it. */
  set head(index: number) {
    if (this.#head === index) return;
    this.#head = index;
    this.notify();
  }

  /** Resolves at the next change of anything here. Look first, wait then: nothing can happen in between. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  /** Wakes all who wait: for changes elsewhere, such as an abort. */
  notify(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /**
   * Takes what came for `offset`. Bytes that are here already (a server without ranges sends them again) are skipped.
   * @throws GemmaError `storage-full`, `storage-failed` of a block before; the signal's reason
   */
  async accept(offset: number, piece: Uint8Array, signal: AbortSignal): Promise<void> {
    const {blockBytes} = this.#folder;
    this.#received += piece.length;
    for (let done = 0; done < piece.length; ) {
      const index = Math.floor((offset + done) / blockBytes);
      const at = offset + done - index * blockBytes;
      const part = piece.subarray(done, done + this.#folder.blockLength(index) - at);
      done += part.length;
      if (!this.#folder.has(index)) await this.#add(index, at, part, signal);
    }
    this.notify();
  }

  /** Waits until all blocks that are being written are. @throws what their writing threw */
  async flush(): Promise<void> {
    while (this.#commits > 0) await this.changed();
    if (this.#failure) throw this.#failure;
  }

  async #add(index: number, at: number, part: Uint8Array, signal: AbortSignal): Promise<void> {
    const block = this.#pending.get(index) ?? (await this.#begin(index, signal));
    if (!block) return;
    const known = block.filled - at;
    if (known < 0) throw new GemmaError('internal', `block ${index} has ${block.filled} bytes; more came at ${at}`);
    if (known >= part.length) return;
    block.bytes.set(part.subarray(known), block.filled);
    block.filled += part.length - known;
    if (block.filled < block.bytes.length) return;
    // Readers have it already. A transfer that is stopped meanwhile leaves no whole block behind.
    this.notify();
    while (this.#commits >= MAX_COMMITS) await this.changed();
    this.#commit(block);
  }

  /** Null if it has been stored while it was too far ahead. */
  async #begin(index: number, signal: AbortSignal): Promise<PendingBlock | null> {
    while (index > this.#head + this.#options.window) {
      signal.throwIfAborted();
      await this.changed();
    }
    if (this.#failure) throw this.#failure;
    // A server that stops sending ranges leaves two transfers that meet in one block.
    const begun = this.#pending.get(index);
    if (begun || this.#folder.has(index)) return begun ?? null;
    const length = this.#folder.blockLength(index);
    const bytes = length === this.#folder.blockBytes ? this.#options.memory.take() : new Uint8Array(length);
    const block = {index, bytes, filled: 0, readers: 0, stored: false};
    this.#pending.set(index, block);
    return block;
  }

  #recycle({bytes, readers, stored}: PendingBlock): void {
    if (this.#options.recycles && stored && readers === 0) this.#options.memory.give(bytes);
  }

  #commit(block: PendingBlock): void {
    const {index, bytes} = block;
    this.#options.onBlock(index, bytes);
    this.#commits++;
    this.#folder
      .commit(index, bytes)
      .then(() => {
        block.stored = true;
      })
      .catch((error) => {
        this.#failure ??= error;
      })
      .finally(() => {
        this.#pending.delete(index);
        this.#commits--;
        this.#recycle(block);
        this.notify();
      });
  }
}
