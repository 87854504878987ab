// A range of a file piece by piece, in order: each block from its transfer while it arrives, or from the disk. Starts the
// transfers that it will need.
import {Download} from '../transfer/download.ts';
import type {Transfers} from '../transfer/transfers.ts';

/** Bytes [start, end) of a file; not empty. */
export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

/** What a stream tells on its way. */
export interface StreamHooks {
  /** A whole block passes by. */
  onBlock(index: number, bytes: Uint8Array): void;
  /** Bytes have come from the network, or from the disk. */
  onProgress(phase: 'download' | 'read'): void;
}

/** Small enough that a reader can stop between pieces. */
const PIECE_BYTES = 4 * 2 ** 20;
/** Stored blocks that are read and checked before the stream comes to them. */
const READ_AHEAD = 2;

type StoredBlock = Uint8Array<ArrayBuffer> | null;

/** One stream. */
export class BlockStream {
  readonly #transfers: Transfers;
  readonly #span: ByteSpan;
  readonly #hooks: StreamHooks;
  readonly #signal: AbortSignal;
  readonly #download: Download;
  /** Stored blocks that are being read, by index; null for a block that turns out to be damaged. */
  readonly #ahead = new Map<number, Promise<StoredBlock>>();

  constructor(transfers: Transfers, span: ByteSpan, hooks: StreamHooks, signal: AbortSignal) {
    this.#transfers = transfers;
    this.#span = span;
    this.#hooks = hooks;
    this.#signal = signal;
    this.#download = new Download(transfers.context, span, signal);
  }

  /** Each piece is valid until the next one is asked for. */
  async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    const {folder, assembly, remote} = this.#transfers.context;
    const {start, end} = this.#span;
    const {blockBytes} = folder;
    const last = Math.ceil(end / blockBytes);
    try {
      for (let index = Math.floor(start / blockBytes); index < last; index++) {
        assembly.head = index;
        if (remote.ranges) this.#download.advance(index);
        for (let next = index; next <= Math.min(index + READ_AHEAD, last - 1); next++) this.#readAhead(next);
        const first = index * blockBytes;
        yield* this.#block(index, Math.max(start - first, 0), Math.min(end - first, folder.blockLength(index)));
        this.#ahead.delete(index);
      }
    } finally {
      this.#download.stop();
    }
  }

  /** Bytes [from, to) of a block. */
  async *#block(index: number, from: number, to: number): AsyncGenerator<Uint8Array, void, undefined> {
    const {folder, assembly} = this.#transfers.context;
    for (let at = from; at < to; ) {
      this.#signal.throwIfAborted();
      at = yield* this.#arriving(index, at, to);
      if (at >= to) return;
      if (folder.has(index)) {
        const bytes = await this.#stored(index);
        if (!bytes) continue;
        yield* this.#cut(bytes, at, to);
        this.#transfers.memory.give(bytes);
        return;
      }
      this.#need(index);
      await assembly.changed();
      this.#hooks.onProgress('download');
    }
  }

  /** What is here of a block on its way. Returns where the rest begins. */
  async *#arriving(index: number, from: number, to: number): AsyncGenerator<Uint8Array, number, undefined> {
    const {assembly} = this.#transfers.context;
    const pending = assembly.hold(index);
    if (!pending) return from;
    let at = from;
    try {
      for (; at < to && pending.filled > at; this.#signal.throwIfAborted()) {
        const piece = pending.bytes.subarray(at, Math.min(pending.filled, to, at + PIECE_BYTES));
        at += piece.length;
        if (pending.filled === pending.bytes.length) this.#hooks.onBlock(index, pending.bytes);
        this.#hooks.onProgress('download');
        yield piece;
      }
      return at;
    } finally {
      assembly.release(pending);
    }
  }

  /** A block from the disk; null if it is damaged. */
  async #stored(index: number): Promise<StoredBlock> {
    const {memory, context} = this.#transfers;
    const bytes = await (this.#ahead.get(index) ?? context.folder.read(index, memory.take()));
    this.#ahead.delete(index);
    if (!bytes) return null;
    this.#hooks.onBlock(index, bytes);
    this.#hooks.onProgress(this.#download.busy ? 'download' : 'read');
    return bytes;
  }

  *#cut(bytes: Uint8Array, from: number, to: number): Generator<Uint8Array, void, undefined> {
    for (let at = from; at < to; at += PIECE_BYTES) {
      this.#signal.throwIfAborted();
      yield bytes.subarray(at, Math.min(to, at + PIECE_BYTES));
    }
  }

  /** The block is missing. @throws what its transfer threw */
  #need(index: number): void {
    if (this.#transfers.context.remote.ranges) this.#download.need(index);
    else this.#transfers.needInOrder(index);
  }

  #readAhead(index: number): void {
    const {folder, assembly} = this.#transfers.context;
    if (this.#ahead.has(index) || assembly.pending(index) || !folder.has(index)) return;
    // A failure counts as a block that is not there.
    const reading = folder.read(index, this.#transfers.memory.take()).catch(() => null);
    this.#ahead.set(index, reading);
  }
}
