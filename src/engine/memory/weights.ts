// Brings a model's tensors from a ByteSource into GPU buffers, in file order, in small pieces, each tensor in its own
// quantised form. Owns the cutting of large tensors into slices of rows; how the rows of a matrix lie is
// kernels/weight-layout.ts, and row-interleaver.ts puts them so. Knows no architecture.
import {GemmaError} from '../../errors.ts';
import type {ByteSource} from '../../gguf/byte-source.ts';
import {rowBytes} from '../../gguf/ggml-types.ts';
import type {TensorInfo} from '../../gguf/gguf-file.ts';
import type {Buffers} from '../../gpu/buffers.ts';
import type {PipelineCache} from '../../gpu/pipelines.ts';
import {matrixBytes, ROWS_BESIDE, rowWords} from '../kernels/weight-layout.ts';
import type {WeightType} from '../kernels/weight-types.ts';
import {BATCH_BYTES, RowInterleaver, type RowTarget} from './row-interleaver.ts';

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
  /** Bytes of a row in the file. */
  rowBytes: number;
  /** Rows of a matrix are beside each other by fours; a vector's values are as in the file. */
  matrix: boolean;
  /** u32 words of a row on the GPU. */
  strideWords: number;
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
/** Both, and rows that are being put in order. */
export const LOAD_PEAK_BYTES = PIECE_BYTES + BATCH_BYTES + IN_FLIGHT_BYTES;
/** Unused bytes between two tensors that are cheaper to read than to skip with another request. */
const MAX_GAP_BYTES = 64 * 2 ** 10;

/**
 * How a tensor lies on the GPU when no buffer may exceed `maxSliceBytes`.
 * @throws GemmaError `out-of-memory` when not even four rows fit.
 */
export function layOut(tensor: TensorInfo, maxSliceBytes: number): WeightLayout {
  const nIn = tensor.shape[0];
  const nOut = tensor.shape.slice(1).reduce((product, extent) => product * extent, 1);
  const bytes = rowBytes(tensor.type, nIn);
  const matrix = tensor.shape.length > 1;
  const strideWords = matrix ? rowWords(tensor.type, nIn) : Math.ceil(bytes / 4);
  const step = matrix ? ROWS_BESIDE : 1;
  const rowsPerSlice = step * Math.floor((maxSliceBytes - (maxSliceBytes % 16)) / (4 * step * strideWords));
  if (rowsPerSlice < 1) {
    throw new GemmaError(
      'out-of-memory',
      `${step} rows of ${tensor.name} take ${4 * step * strideWords} bytes; this GPU binds at most ${maxSliceBytes}. Use another device or a smaller model`,
      {detail: {tensor: tensor.name, rowBytes: 4 * strideWords, limit: maxSliceBytes}},
    );
  }
  const slices: SliceLayout[] = [];
  for (let firstRow = 0; firstRow < nOut; firstRow += rowsPerSlice) {
    slices.push({firstRow, nRows: Math.min(rowsPerSlice, nOut - firstRow)});
  }
  return {tensor, nIn, nOut, rowBytes: bytes, matrix, strideWords, slices};
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
  pipelines: PipelineCache,
  {onProgress, signal}: UploadOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  const widest = Math.max(4, ...layouts.filter(({matrix}) => matrix).map((layout) => layout.rowBytes));
  const interleaver = new RowInterleaver(device, pipelines, widest);
  try {
    await upload(device, interleaver, source, layouts, weights, {onProgress, signal});
  } finally {
    interleaver.destroy(); // after what was submitted
  }
}

async function upload(
  device: GPUDevice,
  interleaver: RowInterleaver,
  source: ByteSource,
  layouts: readonly WeightLayout[],
  weights: ReadonlyMap<string, Weight>,
  {onProgress, signal}: UploadOptions,
): Promise<void> {
  const writerOf = (layout: WeightLayout) => {
    const {slices} = weights.get(layout.tensor.name)!;
    return layout.matrix
      ? new MatrixWriter(interleaver, layout, slices)
      : new VectorWriter(device.queue, layout, slices[0].buffer);
  };
  const total = layouts.reduce((sum, {tensor}) => sum + tensor.byteLength, 0);
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
      await interleaver.ready(); // compiled while the first bytes were on their way
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
  const {tensor, slices} = layout;
  return {
    ...described(layout),
    hosted: false,
    slices: slices.map((slice) => ({
      ...slice,
      buffer: pool.create(`${tensor.name}[${slice.firstRow}]`, 'weights', sliceBytes(layout, slice.nRows)),
    })),
  };
}

/** A buffer for the rows that one step of at most `maxRows` rows asks of a table that stays in the file. */
export function allocateHosted(pool: Buffers, layout: WeightLayout, maxRows: number): Weight {
  const buffer = pool.create(`${layout.tensor.name} of a step`, 'scratch', sliceBytes(layout, maxRows));
  return {...described(layout), hosted: true, slices: [{firstRow: 0, nRows: maxRows, buffer}]};
}

const sliceBytes = ({tensor, nIn, matrix, strideWords}: WeightLayout, nRows: number): number =>
  matrix ? matrixBytes(tensor.type, nIn, nRows) : 4 * strideWords * nRows;

const described = ({tensor, nIn, nOut, strideWords}: WeightLayout) => ({
  name: tensor.name,
  type: tensor.type as WeightType,
  nIn,
  nOut,
  strideWords,
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

/** Takes a tensor's file bytes in any portions. */
interface TensorWriter {
  readonly complete: boolean;
  /** Takes at most what the tensor still needs and returns how much that was. */
  write(bytes: Uint8Array): number;
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
class MatrixWriter implements TensorWriter {
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

  get complete(): boolean {
    return this.#slice === this.#targets.length;
  }

  write(bytes: Uint8Array): number {
    let taken = 0;
    while (taken < bytes.length && !this.complete) {
      const part = bytes.subarray(taken, taken + this.#batchLeft);
      taken += part.length;
      this.#batchLeft -= part.length;
      this.#staged += this.#words.put(part, this.#batchLeft === 0, (at, words, n) =>
        this.#interleaver.stage(this.#staged + at, words, 0, n),
      );
      if (this.#batchLeft === 0) this.#endBatch();
    }
    return taken;
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
    if (!this.complete) this.#beginBatch();
  }
}

/** A vector's bytes as they come. */
class VectorWriter implements TensorWriter {
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

  get complete(): boolean {
    return this.#left === 0;
  }

  write(bytes: Uint8Array): number {
    const part = bytes.subarray(0, this.#left);
    this.#left -= part.length;
    this.#written += this.#words.put(part, this.complete, (at, words, n) =>
      this.#queue.writeBuffer(this.#buffer, this.#written + at, words, 0, n),
    );
    return part.length;
  }
}
