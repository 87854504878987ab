// A model's bytes from disk and network as one ByteSource: where a reader meets a block, it is taken from memory if it is
// on its way, from the disk if it is there, and is fetched else. Owns what is read; how it is fetched is download.ts.
import {GemmaError} from '../errors.ts';
import type {Clock} from './clock.ts';
import type {ModelFolder} from './folder/model-folder.ts';
import type {LocksLike} from './folder/writer-lock.ts';
import {WriterLock} from './folder/writer-lock.ts';
import {WholeHash} from './hash/whole-hash.ts';
import type {FileIdentity} from './http/http-answer.ts';
import type {RemoteFile} from './http/remote-file.ts';
import {LoadReport} from './load-report.ts';
import type {ModelSource, StorageKind, StoreProgress} from './model-store.ts';
import {checkRange} from './sources/range.ts';
import {BlockAssembly} from './transfer/block-assembly.ts';
import {BlockMemory} from './transfer/block-memory.ts';
import {Download, fetchRun, runFrom, type TransferContext} from './transfer/download.ts';
import {SequentialDownload} from './transfer/sequential-download.ts';

export interface StoredSourceOptions {
  readonly remote: RemoteFile;
  readonly folder: ModelFolder;
  readonly storage: StorageKind;
  readonly clock: Clock;
  readonly locks: LocksLike | undefined;
  /** SHA-256 (hex) the whole has to have. */
  readonly sha256: string | null;
  /** Blocks that the store keeps in memory; infinite for a disk. */
  readonly capacityBlocks: number;
  readonly onProgress?: (progress: StoreProgress) => void;
}

// Small enough that a consumer can stop between pieces.
const PIECE_BYTES = 4 * 2 ** 20;
/** Stored blocks that are read and checked before the reader asks for them. */
const READ_AHEAD = 2;
/** The longest header that is hashed in between: 32 MiB. */
const MAX_HEADER_BLOCKS = 8;

export class StoredSource implements ModelSource {
  readonly name: string;
  readonly size: number;
  readonly storage: StorageKind;
  readonly sha256: string | null;
  readonly #folder: ModelFolder;
  readonly #remote: RemoteFile;
  readonly #memory: BlockMemory;
  readonly #assembly: BlockAssembly;
  readonly #lock: WriterLock;
  readonly #context: TransferContext;
  readonly #sequential: SequentialDownload;
  readonly #closing = new AbortController();
  readonly #report: LoadReport;
  /** Null where nobody says what it should be, or it was found right before. */
  readonly #hash: WholeHash | null;
  /** Once weights are read, blocks are fetched whole; before, of the header only what is asked for. */
  #streamed = false;
  #first: {readonly offset: number; readonly bytes: Uint8Array} | null = null;
  #closed: Promise<void> | null = null;
  #settled = false;

  constructor(options: StoredSourceOptions) {
    const {remote, folder, storage, clock, sha256} = options;
    this.name = remote.name;
    this.size = folder.size;
    this.storage = storage;
    this.sha256 = sha256;
    this.#folder = folder;
    this.#remote = remote;
    this.#report = new LoadReport(clock, options.onProgress, () => ({
      here: folder.storedBytes + this.#assembly.pendingBytes,
      hashed: this.#hash?.length ?? 0,
      fetched: this.#assembly.received,
      total: this.size,
    }));
    this.#hash = sha256 === null || folder.sha256 === sha256 ? null : new WholeHash(folder.size);
    // Room for what a reader holds back and for the block that it is in.
    const window = Math.max(1, options.capacityBlocks - 3);
    this.#memory = new BlockMemory(folder.blockBytes);
    this.#assembly = new BlockAssembly(folder, {
      window,
      memory: this.#memory,
      recycles: storage !== 'memory',
      onBlock: (index, bytes) => this.#hash?.offer(index, bytes),
    });
    // What is only in memory is nobody else's business.
    this.#lock = new WriterLock(storage === 'memory' ? undefined : options.locks, folder.id);
    this.#context = {
      remote,
      folder,
      assembly: this.#assembly,
      lock: this.#lock,
      clock,
      window,
      claimed: new Set(),
      hooks: {
        onWait: () => {
          this.#report.waiting = true;
          this.#report.tell('waiting');
        },
        onTaken: async () => {
          this.#report.waiting = false;
          if (storage !== 'memory') await folder.adopt();
          const first = this.#first;
          this.#first = null;
          if (first) await this.#assembly.accept(first.offset, first.bytes, this.#closing.signal);
        },
      },
      onRetry: (waitMs) => this.#report.tell('retry', waitMs),
    };
    this.#sequential = new SequentialDownload(this.#context, this.#closing.signal);
  }

  get identity(): FileIdentity {
    return this.#folder.identity;
  }

  get storedBytes(): number {
    return this.#folder.storedBytes;
  }

  /** Bytes that came while the file was opened, from the start of a block. Kept until we may write. */
  take(offset: number, bytes: Uint8Array): void {
    this.#first = {offset, bytes};
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    this.#check(offset, length, signal);
    const bytes = new Uint8Array(length);
    if (length === 0) return bytes;
    return this.#reading(signal, async (both) => {
      const {blockBytes} = this.#folder;
      const end = offset + length;
      for (let at = offset; at < end; ) {
        const index = Math.floor(at / blockBytes);
        const from = at - index * blockBytes;
        const to = Math.min(end - index * blockBytes, this.#folder.blockLength(index));
        const part = await this.#part(index, from, to, end, both);
        bytes.set(part, at - offset);
        at += part.length;
      }
      return bytes;
    });
  }

  async *stream(offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    this.#check(offset, length, signal);
    if (length === 0) return;
    this.#streamed = true;
    const both = this.#bound(signal);
    const end = offset + length;
    const {blockBytes} = this.#folder;
    const download = new Download(this.#context, {start: offset, end}, both.signal);
    const ahead = new Map<number, Promise<Uint8Array<ArrayBuffer> | null>>();
    const last = Math.ceil(end / blockBytes);
    try {
      await this.#hashUpTo(Math.floor(offset / blockBytes), both.signal);
      for (let index = Math.floor(offset / blockBytes); index < last; index++) {
        const start = index * blockBytes;
        const range = {from: Math.max(offset - start, 0), to: Math.min(end - start, this.#folder.blockLength(index))};
        this.#assembly.head = index;
        if (this.#remote.ranges) download.advance(index);
        for (let next = index; next <= Math.min(index + READ_AHEAD, last - 1); next++) this.#readAhead(ahead, next);
        yield* this.#block(index, range, {download, ahead, signal: both.signal});
        ahead.delete(index);
      }
      if (this.#folder.complete) await this.#completed();
    } catch (error) {
      throw await this.#explain(error, both.signal);
    } finally {
      download.stop();
      both.unbind();
    }
  }

  async verify(signal?: AbortSignal): Promise<void> {
    const hash = this.#hash;
    if (!hash || this.#folder.sha256 === this.sha256) return;
    this.#report.verifying = true;
    try {
      while (!hash.complete) {
        const {length} = hash;
        for await (const piece of this.stream(length, this.size - length, signal)) {
          if (piece.length > 0) this.#report.tell('verify');
        }
      }
    } finally {
      this.#report.verifying = false;
    }
    if (hash.digest() === this.sha256) return this.#confirm(this.sha256, signal);
    await this.#assembly.flush().catch(() => undefined);
    await this.#folder.drop();
    throw new GemmaError(
      'integrity-mismatch',
      `${this.name} has the SHA-256 ${hash.digest()}; expected ${this.sha256}. It was dropped: load it again, or correct integrity`,
      {detail: {found: hash.digest(), expected: this.sha256}},
    );
  }

  async #confirm(sha256: string, signal: AbortSignal | undefined): Promise<void> {
    await this.#reading(signal, (both) =>
      this.#lock.during(both, this.#context.hooks, async () => {
        this.#folder.confirm(sha256);
        await this.#folder.flush();
      }),
    );
  }

  async settle(): Promise<void> {
    this.#settled = true;
    this.#report.over = true;
    this.#memory.clear();
    await this.#completed();
  }

  async discard(): Promise<void> {
    await this.close();
    await this.#folder.drop();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#remote.close();
    this.#closing.abort(new GemmaError('closed', `${this.name} was closed`));
    this.#assembly.notify();
    // What failed to be written was told to those who read.
    await this.#completed().catch(() => undefined);
    await this.#lock.idle();
  }

  /** Waits for the disk, then lets others write. @throws GemmaError `storage-full`, `storage-failed` */
  async #completed(): Promise<void> {
    try {
      await this.#assembly.flush();
      await this.#folder.flush();
    } finally {
      this.#lock.settle();
    }
  }

  #check(offset: number, length: number, signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    checkRange(this, offset, length);
  }

  /** The caller's signal and ours in one, whose abort wakes those who wait for blocks. */
  #bound(callers: AbortSignal | undefined): {signal: AbortSignal; unbind: () => void} {
    const closing = this.#closing.signal;
    const signal = callers ? AbortSignal.any([callers, closing]) : closing;
    const wake = (): void => this.#assembly.notify();
    signal.addEventListener('abort', wake);
    return {signal, unbind: () => signal.removeEventListener('abort', wake)};
  }

  async #reading<T>(callers: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const {signal, unbind} = this.#bound(callers);
    try {
      return await work(signal);
    } catch (error) {
      throw await this.#explain(error, signal);
    } finally {
      unbind();
    }
  }

  /** A changed file takes its old blocks with it. */
  async #explain(error: unknown, signal: AbortSignal): Promise<unknown> {
    if (signal.aborted) return signal.reason;
    if (error instanceof GemmaError && error.code === 'file-changed') await this.discard();
    return error;
  }

  // Reading

  /** Some of the bytes [from, to) of a block, from `from` on; at least one. `end`: what the reader wants in all. */
  async #part(index: number, from: number, to: number, end: number, signal: AbortSignal): Promise<Uint8Array> {
    for (;;) {
      signal.throwIfAborted();
      const pending = this.#assembly.pending(index);
      if (pending && pending.filled >= to) return pending.bytes.slice(from, to);
      if (!pending && this.#folder.has(index)) {
        const stored = await this.#folder.slice(index, from, to);
        if (stored) return stored;
        continue;
      }
      this.#assembly.head = index;
      if (!this.#remote.ranges) {
        this.#sequential.need(index);
        await this.#assembly.changed();
        continue;
      }
      const start = index * this.#folder.blockBytes;
      // Rows that are read after the load: not a block for each, where blocks are not kept.
      if (this.#settled && this.storage === 'memory') return this.#direct(start + from, start + to, signal);
      await this.#fetch(
        index,
        this.#streamed ? Math.ceil(end / this.#folder.blockBytes) * this.#folder.blockBytes : end,
        signal,
      );
    }
  }

  /** Fetches from the first missing byte of a block to `end`, or waits for whoever is fetching it. */
  async #fetch(index: number, end: number, signal: AbortSignal): Promise<void> {
    const {lock, hooks, claimed, onRetry} = this.#context;
    if (claimed.has(index)) return this.#assembly.changed();
    await lock.during(signal, hooks, async () => {
      const run = runFrom(this.#context, index, end);
      if (!run) return;
      await fetchRun(this.#context, run, signal, onRetry);
      if (this.#settled) await this.#completed();
    });
  }

  async #direct(start: number, end: number, signal: AbortSignal): Promise<Uint8Array> {
    const bytes = new Uint8Array(end - start);
    let at = 0;
    for await (const piece of this.#remote.pieces({start, end}, signal, this.#context.onRetry)) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  async *#block(
    index: number,
    {from, to}: {from: number; to: number},
    {
      download,
      ahead,
      signal,
    }: {download: Download; ahead: Map<number, Promise<Uint8Array<ArrayBuffer> | null>>; signal: AbortSignal},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = from; at < to; ) {
      signal.throwIfAborted();
      const pending = this.#assembly.hold(index);
      if (pending) {
        try {
          for (; at < to && pending.filled > at; signal.throwIfAborted()) {
            const piece = pending.bytes.subarray(at, Math.min(pending.filled, to, at + PIECE_BYTES));
            at += piece.length;
            if (pending.filled === pending.bytes.length) this.#hash?.offer(index, pending.bytes);
            this.#report.tell('download');
            yield piece;
          }
        } finally {
          this.#assembly.release(pending);
        }
        if (at >= to) return;
      }
      if (this.#folder.has(index)) {
        const bytes = await (ahead.get(index) ?? this.#folder.read(index, this.#memory.take()));
        ahead.delete(index);
        if (!bytes) continue;
        this.#hash?.offer(index, bytes);
        this.#report.tell(download.busy ? 'download' : 'read');
        for (; at < to; at += PIECE_BYTES) {
          signal.throwIfAborted();
          yield bytes.subarray(at, Math.min(to, at + PIECE_BYTES));
        }
        this.#memory.give(bytes);
        return;
      }
      if (this.#remote.ranges) download.need(index);
      else this.#sequential.need(index);
      await this.#assembly.changed();
      this.#report.tell('download');
    }
  }

  /** What was read before the weights, a header, has to be hashed before them: else they would be read once more for it. */
  async #hashUpTo(block: number, signal: AbortSignal): Promise<void> {
    const next = this.#hash?.next ?? block;
    if (block - next > MAX_HEADER_BLOCKS) return;
    for (let index = next; index < block && this.#folder.has(index); index++) {
      signal.throwIfAborted();
      const bytes = await this.#folder.read(index);
      if (bytes) this.#hash?.offer(index, bytes);
    }
  }

  #readAhead(ahead: Map<number, Promise<Uint8Array<ArrayBuffer> | null>>, index: number): void {
    if (ahead.has(index) || this.#assembly.pending(index) || !this.#folder.has(index)) return;
    // A failure counts as a block that is not there.
    ahead.set(
      index,
      this.#folder.read(index, this.#memory.take()).catch(() => null),
    );
  }
}
