// Writes one tensor's bytes to its buffers, in whatever portions they come: a matrix through the interleaver, a vector as it
// is. Knows no file.
import type {WeightType} from '../kernels/weight-types.ts';
import {RowInterleaver, type RowTarget} from './row-interleaver.ts';
import type {WeightLayout, WeightSlice} from './weights.ts';

/** Takes a tensor's file bytes in order, in portions of any size. */
export interface TensorWriter {
  /** Never more in all than the tensor has. */
  write(bytes: Uint8Array): void;
}

/** Bytes in any portions as whole words: up to three wait for the next portion. */
class Words {
  readonly #carry = new Uint8Array(4);
  #carried = 0;

  /** Hands on `bytes` in multiples of 4; with `end`, the last ones filled up with zeros. Returns the bytes handed on. */
  put(bytes: Uint8Array, end: boolean, hand: (at: number, words: Uint8Array<ArrayBuffer>, n: number) => void): number {
    let at = 0;
    let handed = 0;
    const flush = () => {
      hand(handed, this.#carry, 4);
      handed += 4;
      this.#carried = 0;
    };
    while (this.#carried > 0 && at < bytes.length) {
      this.#carry[this.#carried++] = bytes[at++];
      if (this.#carried === 4) flush();
    }
    const n = (bytes.length - at) & ~3;
    if (n > 0) hand(handed, bytes.subarray(at, at + n) as Uint8Array<ArrayBuffer>, n);
    handed += n;
    at += n;
    while (at < bytes.length) this.#carry[this.#carried++] = bytes[at++];
    if (end && this.#carried > 0) {
      this.#carry.fill(0, this.#carried);
      flush();
    }
    return handed;
  }
}

/** Rows of a matrix, a batch at a time, to its slices. */
export class MatrixWriter implements TensorWriter {
  readonly #interleaver: RowInterleaver;
  readonly #layout: WeightLayout;
  readonly #targets: readonly RowTarget[];
  readonly #words = new Words();
  #slice = 0;
  #firstRow = 0; // of the batch, in the slice
  #batchRows = 0;
  #batchLeft = 0; // bytes
  #staged = 0;

  constructor(interleaver: RowInterleaver, layout: WeightLayout, slices: readonly WeightSlice[]) {
    this.#interleaver = interleaver;
    this.#layout = layout;
    const {nIn, rowBytes, tensor} = layout;
    this.#targets = slices.map(({buffer, nRows}) => ({type: tensor.type as WeightType, nIn, rowBytes, nRows, buffer}));
    this.#beginBatch();
  }

  write(bytes: Uint8Array): void {
    let taken = 0;
    while (taken < bytes.length && this.#slice < this.#targets.length) {
      const part = bytes.subarray(taken, taken + this.#batchLeft);
      taken += part.length;
      this.#batchLeft -= part.length;
      this.#staged += this.#words.put(part, this.#batchLeft === 0, (at, words, n) =>
        this.#interleaver.stage(this.#staged + at, words, 0, n),
      );
      if (this.#batchLeft === 0) this.#endBatch();
    }
  }

  #beginBatch(): void {
    const {rowBytes} = this.#layout;
    const left = this.#targets[this.#slice].nRows - this.#firstRow;
    this.#batchRows = Math.min(left, RowInterleaver.batchRows(rowBytes));
    this.#batchLeft = this.#batchRows * rowBytes;
    this.#staged = 0;
  }

  #endBatch(): void {
    const target = this.#targets[this.#slice];
    this.#interleaver.run(target, this.#firstRow, this.#batchRows);
    this.#firstRow += this.#batchRows;
    if (this.#firstRow === target.nRows) {
      this.#slice++;
      this.#firstRow = 0;
    }
    if (this.#slice < this.#targets.length) this.#beginBatch();
  }
}

/** A vector's bytes as they come. */
export class VectorWriter implements TensorWriter {
  readonly #queue: GPUQueue;
  readonly #buffer: GPUBuffer;
  readonly #words = new Words();
  #left: number;
  #written = 0;

  constructor(queue: GPUQueue, layout: WeightLayout, buffer: GPUBuffer) {
    this.#queue = queue;
    this.#buffer = buffer;
    this.#left = layout.rowBytes;
  }

  write(bytes: Uint8Array): void {
    this.#left -= bytes.length;
    this.#written += this.#words.put(bytes, this.#left === 0, (at, words, n) =>
      this.#queue.writeBuffer(this.#buffer, this.#written + at, words, 0, n),
    );
  }
}
