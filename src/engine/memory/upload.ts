// Brings a model's tensors from a ByteSource into GPU buffers, in file order, in small pieces. Owns what is read together,
// and how much is on its way. Knows no architecture and no layout.
import {GemmaError} from '../../errors.ts';
import type {ByteSource} from '../../gguf/byte-source.ts';
import type {TensorInfo} from '../../gguf/gguf-file.ts';
import type {PipelineCache} from '../../gpu/pipelines.ts';
import {BATCH_BYTES, RowInterleaver} from './row-interleaver.ts';
import {MatrixWriter, type TensorWriter, VectorWriter} from './tensor-writers.ts';
import type {Weight, WeightLayout} from './weights.ts';

/** What else an upload does. */
export interface UploadOptions {
  /** A tensor that stays in the file, to be read once all the same: a source may keep on the disk what was streamed. */
  prefetch?: TensorInfo;
  /** File bytes read so far, and in all. */
  onProgress?: (loadedBytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
}

/** Largest single writeBuffer; also how often `signal` is checked. */
const PIECE_BYTES = 2 ** 20;
/** Most bytes handed to the queue that the GPU has not finished with: the browser keeps a copy of each until then. */
const IN_FLIGHT_BYTES = 8 * 2 ** 20;
/** Both, and rows that are being put in order. */
export const LOAD_PEAK_BYTES = PIECE_BYTES + BATCH_BYTES + IN_FLIGHT_BYTES;
/** Unused bytes between two tensors that are cheaper to read than to skip with another request. */
const MAX_GAP_BYTES = 64 * 2 ** 10;

/**
 * Fills the buffers of all tensors. Extra memory: `LOAD_PEAK_BYTES`, and what the source holds.
 * @param layouts in file order
 * @param weights their buffers, by name
 * @throws GemmaError `gguf-truncated`, the source's own; AbortError between two pieces
 */
export async function uploadWeights(
  device: GPUDevice,
  source: ByteSource,
  layouts: readonly WeightLayout[],
  weights: ReadonlyMap<string, Weight>,
  pipelines: PipelineCache,
  {prefetch, onProgress, signal}: UploadOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  const stored = layouts.reduce((sum, {tensor}) => sum + tensor.byteLength, 0);
  const progress = new Progress(stored + (prefetch?.byteLength ?? 0), onProgress);
  const backpressure = new Backpressure(device.queue);
  const widest = Math.max(4, ...layouts.filter(({matrix}) => matrix).map(({rowBytes}) => rowBytes));
  const interleaver = new RowInterleaver(device, pipelines, widest);
  try {
    let writer: {layout: WeightLayout; tensor: TensorWriter} | undefined;
    for await (const {layout, bytes} of tensorParts(source, layouts, signal)) {
      await interleaver.ready(); // compiled while the first bytes were on their way
      signal?.throwIfAborted();
      if (writer?.layout !== layout) {
        const {slices} = weights.get(layout.tensor.name)!;
        const tensor = layout.matrix
          ? new MatrixWriter(interleaver, layout, slices)
          : new VectorWriter(device.queue, layout, slices[0].buffer);
        writer = {layout, tensor};
      }
      writer.tensor.write(bytes);
      progress.add(bytes.length);
      await backpressure.add(bytes.length);
      signal?.throwIfAborted();
    }
  } finally {
    interleaver.destroy(); // after what was submitted
  }
  if (prefetch) await readOnce(source, prefetch, progress, signal);
}

/** Every tensor's bytes in order, in parts of at most PIECE_BYTES. Tensors that are neighbours in the file come with one request. */
async function* tensorParts(
  source: ByteSource,
  layouts: readonly WeightLayout[],
  signal: AbortSignal | undefined,
): AsyncGenerator<{layout: WeightLayout; bytes: Uint8Array}> {
  for (const run of neighbours(layouts)) {
    const start = run[0].tensor.offset;
    let index = 0;
    let at = start; // where the piece begins in the file
    for await (const piece of source.stream(start, endOf(run.at(-1)!.tensor) - start, signal)) {
      let done = 0;
      while (index < run.length) {
        const {tensor} = run[index];
        const from = Math.max(done, tensor.offset - at); // after the padding between tensors
        if (from >= piece.length) break;
        done = Math.min(from + PIECE_BYTES, endOf(tensor) - at, piece.length);
        yield {layout: run[index], bytes: piece.subarray(from, done)};
        if (at + done === endOf(tensor)) index++;
      }
      at += piece.length;
    }
    if (index < run.length) {
      const {name} = run[index].tensor;
      throw new GemmaError('gguf-truncated', `${source.name} ended inside ${name}; load the file again`, {
        detail: {tensor: name, offset: at},
      });
    }
  }
}

/** Tensors that one request brings: between them are few unused bytes. */
function* neighbours(layouts: readonly WeightLayout[]): Generator<readonly WeightLayout[]> {
  for (let from = 0, to = 1; from < layouts.length; from = to++) {
    while (to < layouts.length) {
      const gap = layouts[to].tensor.offset - endOf(layouts[to - 1].tensor);
      if (gap < 0 || gap > MAX_GAP_BYTES) break;
      to++;
    }
    yield layouts.slice(from, to);
  }
}

/** Has the source fetch a tensor's bytes, which are not used here. */
async function readOnce(
  source: ByteSource,
  {offset, byteLength}: TensorInfo,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const {length} of source.stream(offset, byteLength, signal)) {
    signal?.throwIfAborted();
    progress.add(length);
  }
}

const endOf = ({offset, byteLength}: TensorInfo): number => offset + byteLength;

class Progress {
  readonly #total: number;
  readonly #onProgress: UploadOptions['onProgress'];
  #loaded = 0;

  constructor(total: number, onProgress: UploadOptions['onProgress']) {
    this.#total = total;
    this.#onProgress = onProgress;
    onProgress?.(0, total);
  }

  add(bytes: number): void {
    this.#loaded += bytes;
    this.#onProgress?.(this.#loaded, this.#total);
  }
}

/** Holds an upload back while the GPU has not finished with what it was given. */
class Backpressure {
  readonly #queue: GPUQueue;
  #handed = 0;
  #finished: Promise<unknown> = Promise.resolve();

  constructor(queue: GPUQueue) {
    this.#queue = queue;
  }

  async add(bytes: number): Promise<void> {
    this.#handed += bytes;
    if (this.#handed < IN_FLIGHT_BYTES / 2) return;
    // Waits for the half before this one, so that the queue never runs dry.
    const before = this.#finished;
    this.#finished = this.#queue.onSubmittedWorkDone();
    this.#handed = 0;
    await before;
  }
}
