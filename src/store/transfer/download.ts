// Fetches the missing blocks of a range, several transfers side by side, nearest first. Owns which transfer fetches which
// block; what to do with the bytes is the assembly's.

import type {Clock} from '../clock.ts';
import type {ModelFolder} from '../folder/model-folder.ts';
import type {Hooks, WriterLock} from '../folder/writer-lock.ts';
import type {OnRetry, RemoteFile} from '../http/remote-file.ts';
import type {BlockAssembly} from './block-assembly.ts';
import {Pace} from './pace.ts';

/** What every transfer of a model works with. */
export interface TransferContext {
  readonly remote: RemoteFile;
  readonly folder: ModelFolder;
  readonly assembly: BlockAssembly;
  readonly lock: WriterLock;
  readonly clock: Clock;
  readonly hooks: Hooks;
  readonly onRetry: OnRetry;
  /** Blocks that may be fetched beyond the one a reader is at; infinite where the folder keeps all. */
  readonly window: number;
  /** Blocks that a transfer is fetching. */
  readonly claimed: Set<number>;
}

/** Bytes [start, end) of the file, in blocks that no one else fetches. */
interface Run {
  readonly start: number;
  readonly end: number;
}

/**
 * The missing blocks from `first` on, as far as they follow each other, end before byte `end` and are not fetched
 * already. Null if `first` is not missing or someone fetches it.
 */
export function runFrom({folder, assembly, claimed}: TransferContext, first: number, end: number): Run | null {
  const {blockBytes} = folder;
  const isFree = (index: number) => !claimed.has(index) && assembly.filled(index) < folder.blockLength(index);
  if (!isFree(first)) return null;
  let last = first + 1;
  while (last * blockBytes < end && isFree(last) && assembly.filled(last) === 0) last++;
  const start = first * blockBytes + assembly.filled(first);
  const stop = Math.min(end, last * blockBytes, folder.size);
  return start < stop ? {start, end: stop} : null;
}

/**
 * Fetches a run. Its blocks are claimed at once, before anything is awaited.
 * @returns milliseconds for which it could not go on because the disk or the reader was behind
 */
export async function fetchRun(
  context: TransferContext,
  run: Run,
  signal: AbortSignal,
  onRetry: OnRetry,
): Promise<number> {
  const {remote, folder, assembly, claimed, clock} = context;
  const blocks: number[] = [];
  for (let index = Math.floor(run.start / folder.blockBytes); index * folder.blockBytes < run.end; index++) {
    blocks.push(index);
    claimed.add(index);
  }
  let at = run.start;
  let heldMs = 0;
  try {
    for await (const piece of remote.pieces(run, signal, onRetry)) {
      const came = clock.now();
      await assembly.accept(at, piece, signal);
      heldMs += clock.now() - came;
      at += piece.length;
    }
    return heldMs;
  } finally {
    for (const index of blocks) claimed.delete(index);
    assembly.notify();
  }
}

/** The blocks of one stream. */
export class Download {
  readonly #context: TransferContext;
  readonly #signal: AbortSignal;
  readonly #stop = new AbortController();
  readonly #end: number;
  readonly #pace: Pace;
  #next: number;
  #head: number;
  #lanes = 0;
  #error: unknown = null;

  /** @param range bytes; blocks that lie in it partly are fetched whole */
  constructor(context: TransferContext, range: {start: number; end: number}, signal: AbortSignal) {
    const {blockBytes, size} = context.folder;
    this.#context = context;
    this.#next = Math.floor(range.start / blockBytes);
    this.#head = this.#next;
    this.#end = Math.min(size, Math.ceil(range.end / blockBytes) * blockBytes);
    this.#pace = new Pace(context.clock, blockBytes);
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
  }

  /** Whether something is being fetched. */
  get busy(): boolean {
    return this.#lanes > 0;
  }

  /** A reader has come to this block: fetches what is missing from there on, as far as the window allows. */
  advance(index: number): void {
    this.#head = index;
    this.#open();
  }

  /** A reader stands before this block, and it is missing. @throws what a transfer threw */
  need(index: number): void {
    if (this.#error) throw this.#error;
    this.#next = Math.min(this.#next, index);
    this.#open();
  }

  /** Breaks off what is under way. */
  stop(): void {
    this.#stop.abort(new DOMException('no one reads this any more', 'AbortError'));
    this.#context.assembly.notify();
  }

  /** As many lanes as there may be. */
  #open(): void {
    while (!this.#error && !this.#signal.aborted && this.#lanes < this.#pace.lanes && this.#hasMore()) {
      this.#lanes++;
      this.#lane().catch((error) => {
        this.#error ??= error;
        this.stop();
      });
    }
  }

  async #lane(): Promise<void> {
    const {lock, hooks, clock, assembly} = this.#context;
    try {
      await lock.during(this.#signal, hooks, async () => {
        // After the wait for the lock everything may have been stored by another worker.
        while (this.#lanes <= this.#pace.lanes) {
          const run = this.#take();
          if (!run) return;
          const began = clock.now();
          const heldMs = await fetchRun(this.#context, run, this.#signal, this.#onRetry);
          this.#pace.done(run.end - run.start, clock.now() - began, heldMs);
          this.#open();
        }
      });
    } finally {
      this.#lanes--;
      assembly.notify();
    }
  }

  readonly #onRetry: OnRetry = (waitMs, error) => {
    const {status} = error.detail;
    if (status === 429 || status === 503) this.#pace.throttled();
    this.#context.onRetry(waitMs, error);
  };

  #hasMore(): boolean {
    return this.#peek() !== null;
  }

  #take(): Run | null {
    const run = this.#peek();
    if (run) this.#next = Math.ceil(run.end / this.#context.folder.blockBytes);
    return run;
  }

  /** The nearest run from #next on; what is before it is here or on its way. */
  #peek(): Run | null {
    const {folder, window} = this.#context;
    const {blockBytes} = folder;
    const ahead = this.#pace.runBytes;
    const end = Math.min(this.#end, (this.#head + 1 + window) * blockBytes);
    for (; this.#next * blockBytes < end; this.#next++) {
      const run = runFrom(this.#context, this.#next, Math.min(end, this.#next * blockBytes + ahead));
      if (run) return run;
    }
    return null;
  }
}
