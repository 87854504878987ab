// One open model as a source of bytes: what is stored comes from the disk, what is missing from the network, and is stored
// in the same pass. Owns its life, from the first read to its end; reading/ reads, transfer/ fetches.
import {GemmaError} from '../errors.ts';
import type {Clock} from './clock.ts';
import type {ModelFolder} from './folder/model-folder.ts';
import type {LocksLike} from './folder/writer-lock.ts';
import type {FileIdentity} from './http/http-answer.ts';
import type {RemoteFile} from './http/remote-file.ts';
import {LoadReport} from './load-report.ts';
import type {ModelSource, StorageKind, StoreProgress} from './model-store.ts';
import {BlockStream} from './reading/block-stream.ts';
import {FileCheck} from './reading/file-check.ts';
import {RangeReader} from './reading/range-reader.ts';
import {ReadScope} from './reading/read-scope.ts';
import {checkRange} from './sources/range.ts';
import {Transfers} from './transfer/transfers.ts';

/** What a model is opened with. */
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

/** An open model. */
export class StoredSource implements ModelSource {
  readonly name: string;
  readonly size: number;
  readonly storage: StorageKind;
  readonly sha256: string | null;
  readonly #folder: ModelFolder;
  readonly #transfers: Transfers;
  readonly #scope: ReadScope;
  readonly #reader: RangeReader;
  readonly #check: FileCheck;
  readonly #report: LoadReport;
  #closed: Promise<void> | null = null;

  constructor({remote, folder, storage, clock, sha256, locks, capacityBlocks, onProgress}: StoredSourceOptions) {
    this.name = remote.name;
    this.size = folder.size;
    this.storage = storage;
    this.sha256 = sha256;
    const forgets = storage === 'memory';
    this.#folder = folder;
    this.#check = new FileCheck(folder, sha256);
    this.#report = new LoadReport(clock, onProgress, () => ({
      ...this.#transfers.counts,
      hashedBytes: this.#check.hashedBytes,
    }));
    this.#scope = new ReadScope(
      () => this.#transfers.context.assembly.notify(),
      () => this.discard(),
    );
    this.#transfers = new Transfers({
      remote,
      folder,
      clock,
      // What is only in memory concerns no other worker.
      locks: forgets ? undefined : locks,
      forgets,
      capacityBlocks,
      closing: this.#scope.closing,
      onBlock: (index, bytes) => this.#check.offer(index, bytes),
      onWaiting: (waiting) => this.#report.setWaiting(waiting),
      onRetry: (waitMs) => this.#report.tell('retry', waitMs),
    });
    this.#reader = new RangeReader(this.#transfers, forgets);
  }

  get identity(): FileIdentity {
    return this.#folder.identity;
  }

  get storedBytes(): number {
    return this.#folder.storedBytes;
  }

  /** Bytes that came while the file was opened, from the start of a block. */
  keepFirst(offset: number, bytes: Uint8Array): void {
    this.#transfers.keepFirst(offset, bytes);
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    this.#scope.check(signal);
    checkRange(this, offset, length);
    if (length === 0) return new Uint8Array(0);
    return this.#scope.run(signal, (both) => this.#reader.read(offset, length, both));
  }

  async *stream(offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    this.#scope.check(signal);
    checkRange(this, offset, length);
    if (length === 0) return;
    if (this.#reader.phase === 'header') this.#reader.phase = 'weights';
    const span = {start: offset, end: offset + length};
    yield* this.#scope.stream(signal, (both) => this.#pieces(span, both));
  }

  async *#pieces(span: {start: number; end: number}, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const hooks = {
      onBlock: (index: number, bytes: Uint8Array) => this.#check.offer(index, bytes),
      onProgress: (phase: 'download' | 'read') => this.#report.tell(phase),
    };
    await this.#check.hashUpTo(Math.floor(span.start / this.#folder.blockBytes), signal);
    yield* new BlockStream(this.#transfers, span, hooks, signal).pieces();
    if (this.#folder.complete) await this.#transfers.flush();
  }

  async verify(signal?: AbortSignal): Promise<void> {
    if (!this.#check.pending) return;
    await this.#hashRest(signal);
    if (this.#check.right) return this.#confirm(signal);
    const {found} = this.#check;
    await this.#transfers.context.assembly.flush().catch(() => undefined);
    await this.#folder.drop();
    throw new GemmaError(
      'integrity-mismatch',
      `${this.name} has the SHA-256 ${found}; expected ${this.sha256}. It was dropped: load it again, or correct integrity`,
      {detail: {found, expected: this.sha256}},
    );
  }

  /** Streams what has not passed by yet, for its hash. */
  async #hashRest(signal: AbortSignal | undefined): Promise<void> {
    this.#report.verifying = true;
    try {
      while (!this.#check.complete) {
        const {hashedBytes} = this.#check;
        for await (const piece of this.stream(hashedBytes, this.size - hashedBytes, signal)) {
          if (piece.length > 0) this.#report.tell('verify');
        }
      }
    } finally {
      this.#report.verifying = false;
    }
  }

  /** Notes in the folder that the whole file has its hash. */
  async #confirm(signal: AbortSignal | undefined): Promise<void> {
    await this.#scope.run(signal, (both) =>
      this.#transfers.writing(both, async () => {
        this.#folder.confirm(this.sha256!);
        await this.#folder.flush();
      }),
    );
  }

  async settle(): Promise<void> {
    this.#reader.phase = 'after';
    this.#report.over = true;
    this.#transfers.memory.clear();
    await this.#transfers.flush();
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
    const {remote, lock} = this.#transfers.context;
    remote.close();
    this.#scope.close(new GemmaError('closed', `${this.name} was closed`));
    // Reads have reported what could not be written.
    await this.#transfers.flush().catch(() => undefined);
    await lock.idle();
  }
}
