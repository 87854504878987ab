// Brings a model's tensors from a ByteSource into GPU buffers, in file order, in small pieces, each tensor in its own
// quantised form. Owns the padding of rows to whole u32 words and the cutting of large tensors into slices of rows.
// Knows no architecture and no kernel.
import {GemmaError} from '../../errors.ts';
import type {ByteSource} from '../../gguf/byte-source.ts';
import {paddedRowBytes, rowBytes} from '../../gguf/ggml-types.ts';
import type {TensorInfo} from '../../gguf/gguf-file.ts';
import type {Buffers} from '../../gpu/buffers.ts';
import type {WeightType} from '../kernels/weight-types.ts';

/** Rows `firstRow` … `firstRow + nRows − 1` of a tensor, in a buffer of their own. */
export interface SliceLayout {
  firstRow: number;
  nRows: number;
}

export interface WeightLayout {
  tensor: TensorInfo;
  /** Values of a row, and rows: a linear layer is [nOut][nIn]. */
  nIn: number;
  nOut: number;
  /** Bytes of a row in the file, and on the GPU. */
  rowBytes: number;
  strideBytes: number;
  slices: readonly SliceLayout[];
}

export interface WeightSlice extends SliceLayout {
  buffer: GPUBuffer;
}

/** A tensor on the GPU. */
export interface Weight {
  name: string;
  type: WeightType;
  nIn: number;
  nOut: number;
  strideWords: number;
  slices: readonly WeightSlice[];
  /** The table stays in the file, and its one slice has the rows of the current step, in the step's order. */
  hosted: boolean;
}

export interface UploadOptions {
  /** File bytes on the GPU so far, and in all. */
  onProgress?: (loadedBytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
}

/** What one writeBuffer takes. Also what lies between two looks at the abort signal. */
const PIECE_BYTES = 2 ** 20;
/** Bytes handed to the queue that it has not taken yet, at most: the browser keeps a copy of each until then. */
const IN_FLIGHT_BYTES = 8 * 2 ** 20;
/** Both, and one piece that the source has handed out. */
export const LOAD_PEAK_BYTES = 2 * PIECE_BYTES + IN_FLIGHT_BYTES;
/** Unused bytes between two tensors that are cheaper to read than to skip with another request. */
const MAX_GAP_BYTES = 64 * 2 ** 10;

/**
 * How a tensor lies on the GPU when no buffer may exceed `maxSliceBytes`.
 * @throws GemmaError `out-of-memory` when not even one row fits.
 */
export function layOut(tensor: TensorInfo, maxSliceBytes: number): WeightLayout {
  const nIn = tensor.shape[0];
  const nOut = tensor.shape.slice(1).reduce((product, extent) => product * extent, 1);
  const strideBytes = paddedRowBytes(tensor.type, nIn);
  const rowsPerSlice = Math.floor((maxSliceBytes - (maxSliceBytes % 16)) / strideBytes);
  if (rowsPerSlice < 1) {
    throw new GemmaError(
      'out-of-memory',
      `a row of ${tensor.name} takes ${strideBytes} bytes; this GPU binds at most ${maxSliceBytes}. Use another device or a smaller model`,
      {detail: {tensor: tensor.name, rowBytes: strideBytes, limit: maxSliceBytes}},
    );
  }
  const slices: SliceLayout[] = [];
  for (let firstRow = 0; firstRow < nOut; firstRow += rowsPerSlice) {
    slices.push({firstRow, nRows: Math.min(rowsPerSlice, nOut - firstRow)});
  }
  return {tensor, nIn, nOut, rowBytes: rowBytes(tensor.type, nIn), strideBytes, slices};
}

/**
 * Fills the buffers of all tensors. Extra memory: one piece, what the source holds, and what the queue has in flight.
 * @param layouts in file order
 * @param weights their buffers, by name
 * @throws GemmaError `gguf-truncated`, the source's own; AbortError between two pieces.
 */
export async function uploadWeights(
  device: GPUDevice,
  source: ByteSource,
  layouts: readonly WeightLayout[],
  weights: ReadonlyMap<string, Weight>,
  {onProgress, signal}: UploadOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  const writerOf = (layout: WeightLayout) =>
    new TensorWriter(device.queue, staging, layout, weights.get(layout.tensor.name)!.slices);
  const total = layouts.reduce((sum, {tensor}) => sum + tensor.byteLength, 0);
  const staging = new Uint8Array(PIECE_BYTES);
  let loaded = 0;
  let handed = 0;
  let taken: Promise<unknown> = Promise.resolve();
  onProgress?.(0, total);

  for (const run of runsOf(layouts)) {
    const first = layouts[run.from].tensor.offset;
    const last = layouts[run.to - 1].tensor;
    const bytes = source.stream(first, last.offset + last.byteLength - first, signal);
    let index = run.from;
    let at = first; // in the file
    let writer = writerOf(layouts[index]);
    for await (const piece of bytes) {
      signal?.throwIfAborted();
      let done = 0;
      while (done < piece.length && index < run.to) {
        const {tensor} = layouts[index];
        done += Math.max(0, tensor.offset - at - done); // padding between tensors
        if (done >= piece.length) break;
        const written = writer.write(piece.subarray(done, done + PIECE_BYTES));
        done += written;
        loaded += written;
        handed += written;
        if (writer.complete && ++index < run.to) writer = writerOf(layouts[index]);
        if (handed >= IN_FLIGHT_BYTES / 2) {
          // Waits for the half before, so that the queue never runs dry.
          const before = taken;
          taken = device.queue.onSubmittedWorkDone();
          handed = 0;
          await before;
          signal?.throwIfAborted();
        }
      }
      at += piece.length;
      onProgress?.(loaded, total);
    }
    if (index < run.to) {
      throw new GemmaError(
        'gguf-truncated',
        `${source.name} ended inside ${layouts[index].tensor.name}; load the file again`,
        {detail: {tensor: layouts[index].tensor.name, offset: at}},
      );
    }
  }
}

/** Buffers for a tensor. Wrap in `guarded`. */
export function allocateWeight(pool: Buffers, layout: WeightLayout): Weight {
  const {tensor, strideBytes, slices} = layout;
  return {
    ...described(layout),
    hosted: false,
    slices: slices.map((slice) => ({
      ...slice,
      buffer: pool.create(`${tensor.name}[${slice.firstRow}]`, 'weights', slice.nRows * strideBytes),
    })),
  };
}

/** A buffer for the rows that one step of at most `maxRows` rows asks of a table that stays in the file. */
export function allocateHosted(pool: Buffers, layout: WeightLayout, maxRows: number): Weight {
  const buffer = pool.create(`${layout.tensor.name} of a step`, 'scratch', maxRows * layout.strideBytes);
  return {...described(layout), hosted: true, slices: [{firstRow: 0, nRows: maxRows, buffer}]};
}

const described = ({tensor, nIn, nOut, strideBytes}: WeightLayout) => ({
  name: tensor.name,
  type: tensor.type as WeightType,
  nIn,
  nOut,
  strideWords: strideBytes / 4,
});

/** Tensors that one request brings: neighbours in the file. */
function* runsOf(layouts: readonly WeightLayout[]): Generator<{from: number; to: number}> {
  for (let from = 0, to = 1; from < layouts.length; from = to++) {
    while (to < layouts.length) {
      const {offset, byteLength} = layouts[to - 1].tensor;
      const gap = layouts[to].tensor.offset - offset - byteLength;
      if (gap < 0 || gap > MAX_GAP_BYTES) break;
      to++;
    }
    yield {from, to};
  }
}

/** Takes a tensor's file bytes in any portions and writes them, padded, to its slices. */
class TensorWriter {
  readonly #queue: GPUQueue;
  readonly #staging: Uint8Array<ArrayBuffer>;
  readonly #layout: WeightLayout;
  readonly #slices: readonly WeightSlice[];
  /** Bytes that follow each other on the GPU as in the file: a row, or a whole slice where rows need no padding. */
  readonly #padding: number;
  #slice = 0;
  #staged = 0;
  /** Where in the slice's buffer the staged bytes go. */
  #target = 0;
  #rowsLeft: number;
  #runLeft: number;

  constructor(queue: GPUQueue, staging: Uint8Array<ArrayBuffer>, layout: WeightLayout, slices: readonly WeightSlice[]) {
    this.#queue = queue;
    this.#staging = staging;
    this.#layout = layout;
    this.#slices = slices;
    this.#padding = layout.strideBytes - layout.rowBytes;
    this.#rowsLeft = slices[0].nRows;
    this.#runLeft = this.#nextRun();
  }

  get complete(): boolean {
    return this.#slice === this.#slices.length;
  }

  /** Takes at most what the tensor still needs and returns how much that was. */
  write(bytes: Uint8Array): number {
    let taken = 0;
    while (taken < bytes.length && !this.complete) {
      const wanted = bytes.subarray(taken, taken + this.#runLeft);
      const n = this.#writeWords(wanted) || this.#stage(wanted);
      taken += n;
      this.#runLeft -= n;
      if (this.#runLeft === 0) this.#endRun();
      else if (this.#staged === this.#staging.length) this.#flush();
    }
    return taken;
  }

  /** Rows that need no padding go as they come, but for a last part of a word. */
  #writeWords(bytes: Uint8Array): number {
    if (this.#padding > 0 || this.#staged > 0) return 0;
    const n = bytes.length - (bytes.length % 4);
    if (n > 0) this.#queue.writeBuffer(this.#slices[this.#slice].buffer, this.#target, bytes, 0, n);
    this.#target += n;
    return n;
  }

  #stage(bytes: Uint8Array): number {
    const n = Math.min(bytes.length, this.#staging.length - this.#staged);
    this.#staging.set(bytes.subarray(0, n), this.#staged);
    this.#staged += n;
    return n;
  }

  #nextRun(): number {
    const rows = this.#padding === 0 ? this.#rowsLeft : 1;
    this.#rowsLeft -= rows;
    return rows * this.#layout.rowBytes;
  }

  #endRun(): void {
    // Runs begin at multiples of 4 and the staging area is one, so the padding always fits.
    this.#staging.fill(0, this.#staged, this.#staged + this.#padding);
    this.#staged += this.#padding;
    if (this.#rowsLeft === 0) {
      this.#flush();
      this.#target = 0;
      this.#slice++;
      if (this.complete) return;
      this.#rowsLeft = this.#slices[this.#slice].nRows;
    } else if (this.#staged === this.#staging.length) this.#flush();
    this.#runLeft = this.#nextRun();
  }

  #flush(): void {
    if (this.#staged === 0) return;
    this.#queue.writeBuffer(this.#slices[this.#slice].buffer, this.#target, this.#staging, 0, this.#staged);
    this.#target += this.#staged;
    this.#staged = 0;
  }
}
