// Takes the rows of matrices as they come out of a file and has the GPU put them into the layout that products read, a
// batch of rows at a time. Owns one small staging buffer for all matrices of a load. Knows no file.
import {GemmaError} from '../../errors.ts';
import type {PipelineCache} from '../../gpu/pipelines.ts';
import {bind} from '../../gpu/recorder.ts';
import {interleaveConstants, interleaveRows} from '../kernels/interleave_rows.ts';
import {ROWS_BESIDE} from '../kernels/weight-layout.ts';
import type {WeightType} from '../kernels/weight-types.ts';

/** Rows of one batch, unless four rows take more. */
export const BATCH_BYTES = 2 ** 20;
/** {first quad, rows, 0, 0} before the rows. */
const HEADER_BYTES = 16;
/** Workgroups run over quads of rows in one dimension. */
const MAX_BATCH_ROWS = ROWS_BESIDE * 65535;

/** A matrix's rows: where they come from, and the buffer of one slice of it. */
export interface RowTarget {
  type: WeightType;
  nIn: number;
  rowBytes: number;
  nRows: number;
  buffer: GPUBuffer;
}

/** Puts the rows of matrices beside each other on the GPU, a batch at a time. */
export class RowInterleaver {
  readonly #device: GPUDevice;
  readonly #pipelines: PipelineCache;
  readonly #staging: GPUBuffer;
  readonly #compiling: Promise<GPUComputePipeline>;
  #pipeline: GPUComputePipeline | undefined;
  /** Of the slice that rows came for last. */
  #group: {target: RowTarget; bindGroup: GPUBindGroup} | undefined;

  /** @param widestRowBytes of all matrices that will come */
  constructor(device: GPUDevice, pipelines: PipelineCache, widestRowBytes: number) {
    this.#device = device;
    this.#pipelines = pipelines;
    const size = HEADER_BYTES + stagingBytes(widestRowBytes);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    this.#staging = device.createBuffer({label: 'rows on their way', size, usage});
    // Every matrix has the same pipeline: its shape is a uniform.
    this.#compiling = pipelines.get(interleaveRows, interleaveConstants('F32', 1));
    this.#compiling.catch(() => undefined); // `ready` reports it
  }

  /** Must have resolved before the first `run`. @throws GemmaError `shader-invalid`. */
  async ready(): Promise<void> {
    this.#pipeline ??= await this.#compiling;
  }

  /** How many rows of this many bytes make a batch. */
  static batchRows(rowBytes: number): number {
    const fitting = Math.floor(stagingBytes(rowBytes) / rowBytes);
    return Math.min(MAX_BATCH_ROWS, fitting - (fitting % ROWS_BESIDE));
  }

  /** Puts file bytes, a multiple of 4, at byte `at` of the batch. */
  stage(at: number, bytes: Uint8Array<ArrayBuffer>, from: number, length: number): void {
    this.#device.queue.writeBuffer(this.#staging, HEADER_BYTES + at, bytes, from, length);
  }

  /** Has the GPU move the staged rows to rows `firstRow` … of `target`. `firstRow` is a multiple of 4. */
  run(target: RowTarget, firstRow: number, nRows: number): void {
    if (!this.#pipeline) throw new GemmaError('internal', 'rows came before their kernel');
    const device = this.#device;
    const constants = interleaveConstants(target.type, target.nIn);
    if (this.#group?.target !== target) {
      const buffers = {source: this.#staging, weight: target.buffer};
      const bindGroup = bind(device, this.#pipelines, interleaveRows, constants, buffers);
      this.#group = {target, bindGroup};
    }
    device.queue.writeBuffer(this.#staging, 0, Uint32Array.of(firstRow / ROWS_BESIDE, nRows, 0, 0));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(this.#pipeline);
    pass.setBindGroup(0, this.#group.bindGroup);
    pass.dispatchWorkgroups(...interleaveRows.grid({nRows}, constants));
    pass.end();
    device.queue.submit([encoder.finish()]);
  }

  destroy(): void {
    this.#staging.destroy();
  }
}

const stagingBytes = (rowBytes: number): number => Math.max(BATCH_BYTES, Math.ceil((ROWS_BESIDE * rowBytes) / 4) * 4);
