// All through which blocks of one model come in: transfers, the blocks on their way, the lock under which they are written.
// Made once for each open model. Knows no reader.
import type {Clock} from '../clock.ts';
import type {ModelFolder} from '../folder/model-folder.ts';
import {type LocksLike, WriterLock} from '../folder/writer-lock.ts';
import type {RemoteFile} from '../http/remote-file.ts';
import type {StoreProgress} from '../model-store.ts';
import {BlockAssembly} from './block-assembly.ts';
import {BlockMemory} from './block-memory.ts';
import {fetchRun, runFrom, type TransferContext} from './download.ts';
import {SequentialDownload} from './sequential-download.ts';

/** What transfers of a model are made with. */
export interface TransfersOptions {
  readonly remote: RemoteFile;
  readonly folder: ModelFolder;
  readonly clock: Clock;
  /** Undefined where no other worker can write this model. */
  readonly locks: LocksLike | undefined;
  /** Whether the folder forgets blocks: then memory of a stored block is the folder's. */
  readonly forgets: boolean;
  /** Blocks that the folder keeps; infinite for a disk. */
  readonly capacityBlocks: number;
  /** Aborts when the model is closed. */
  readonly closing: AbortSignal;
  /** Receives every block that has arrived whole, before it is stored. */
  readonly onBlock: (index: number, bytes: Uint8Array) => void;
  /** Called with true when another worker is writing the model, with false when this one may. */
  readonly onWaiting: (waiting: boolean) => void;
  readonly onRetry: (waitMs: number) => void;
}

/** Of the blocks that a folder keeps, those left for what a reader holds back and for the block that it is in. */
const RESERVED_BLOCKS = 3;

/** Transfers of one open model. */
export class Transfers {
  readonly context: TransferContext;
  readonly memory: BlockMemory;
  readonly #sequential: SequentialDownload;
  /** Bytes that came while the file was opened, from the start of a block: kept until this worker may write. */
  #first: {readonly offset: number; readonly bytes: Uint8Array} | null = null;

  constructor(options: TransfersOptions) {
    const {remote, folder, clock, forgets, closing, onWaiting} = options;
    const window = Math.max(1, options.capacityBlocks - RESERVED_BLOCKS);
    this.memory = new BlockMemory(folder.blockBytes);
    const assembly = new BlockAssembly(folder, {
      window,
      memory: this.memory,
      recycles: !forgets,
      onBlock: options.onBlock,
    });
    const lock = new WriterLock(options.locks, folder.id);
    const onTaken = async (): Promise<void> => {
      onWaiting(false);
      if (!forgets) await folder.mergeStored();
      const first = this.#first;
      this.#first = null;
      if (first) await assembly.accept(first.offset, first.bytes, closing);
    };
    const hooks = {onWait: () => onWaiting(true), onTaken};
    const claimed = new Set<number>();
    this.context = {remote, folder, assembly, lock, clock, window, claimed, hooks, onRetry: options.onRetry};
    this.#sequential = new SequentialDownload(this.context, closing);
  }

  /** Bytes from the start of a block, which count as the first of its transfer. */
  keepFirst(offset: number, bytes: Uint8Array): void {
    this.#first = {offset, bytes};
  }

  /**
   * Fetches from the first missing byte of a block to byte `end`. May resolve before they are all here, because another
   * transfer is fetching the block or the server sends no ranges: look again.
   * @param settled whether it is written down before others may write
   */
  async fetch(index: number, end: number, settled: boolean, signal: AbortSignal): Promise<void> {
    const {lock, hooks, claimed, remote, assembly, onRetry} = this.context;
    if (!remote.ranges) this.#sequential.need(index);
    if (!remote.ranges || claimed.has(index)) return assembly.changed();
    await lock.during(signal, hooks, async () => {
      const run = runFrom(this.context, index, end);
      if (!run) return;
      await fetchRun(this.context, run, signal, onRetry);
      if (settled) await this.flush();
    });
  }

  /** A stream is at this block, which is missing, and the server sends no ranges. @throws what its transfer threw */
  needInOrder(index: number): void {
    this.#sequential.need(index);
  }

  /** Bytes [start, end) from the server, without storing them. */
  async fetchUnstored(start: number, end: number, signal: AbortSignal): Promise<Uint8Array> {
    const bytes = new Uint8Array(end - start);
    let at = 0;
    for await (const piece of this.context.remote.pieces({start, end}, signal, this.context.onRetry)) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  /** Runs `work` while this worker may write the model. */
  writing<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.context.lock.during(signal, this.context.hooks, work);
  }

  /** Waits for the disk, then lets others write. @throws GemmaError `storage-full`, `storage-failed` */
  async flush(): Promise<void> {
    const {assembly, folder, lock} = this.context;
    try {
      await assembly.flush();
      await folder.flush();
    } finally {
      lock.settle();
    }
  }

  /** Bytes by where they are, for a report. */
  get counts(): Pick<StoreProgress, 'loadedBytes' | 'fetchedBytes' | 'totalBytes'> {
    const {assembly, folder} = this.context;
    return {
      loadedBytes: folder.storedBytes + assembly.pendingBytes,
      fetchedBytes: assembly.received,
      totalBytes: folder.size,
    };
  }
}
