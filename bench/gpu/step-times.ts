// Where the time of a step goes: on the host before the submit, on the GPU as one pass, on the GPU by kernel. Knows
// no model.
import type {Engine} from '../../src/engine/engine.ts';
import type {GpuEngine} from '../../src/engine/gpu-engine.ts';
import {type KernelTime, Profiler} from '../../src/gpu/profiler.ts';
import {argmax} from '../lib/measure.ts';

export interface KernelRow {
  /** A mat-vec with its shape: `mul_mat_q4_0 1536 → 6144`. */
  kernel: string;
  dispatches: number;
  us: number;
  /** Weights read a second, each row once a dispatch; null for kernels without weights. */
  weightGBs: number | null;
}

export interface StepTimes {
  dispatches: number;
  /** Microseconds from the first timestamp of the step's only pass to its last, the median of some. */
  gpuUs: number;
  /** The sum over passes of one dispatch each: above gpuUs by what the passes cost. */
  sumUs: number;
  /** The slowest first. */
  kernels: KernelRow[];
}

export interface HostTimes {
  /** Microseconds from the call of `step` to the submit: encoding, validation, writes. */
  encodeUs: number;
  /** Microseconds the submit's call takes. */
  submitUs: number;
  /** Microseconds from the call to the logits. */
  stepUs: number;
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const total = (times: readonly KernelTime[]): number => times.reduce((sum, {nanoseconds}) => sum + nanoseconds, 0);

/** Runs `step` some times with a profiler in the engine. Null where the device has no timestamps. */
export async function timeStep(
  engine: Engine,
  device: GPUDevice,
  step: () => Promise<unknown>,
  rounds = 5,
): Promise<StepTimes | null> {
  if (!Profiler.supported(device)) return null;
  const middle: Partial<Record<Profiler['by'], KernelTime[]>> = {};
  for (const by of ['recording', 'dispatch'] as const) {
    const profiler = new Profiler(device, by);
    const samples: KernelTime[][] = [];
    try {
      (engine as GpuEngine).profiler = profiler;
      for (let round = 0; round < rounds; round++) {
        await step();
        samples.push(await profiler.read());
      }
    } finally {
      (engine as GpuEngine).profiler = null;
      profiler.destroy();
    }
    middle[by] = samples.sort((a, b) => total(a) - total(b))[rounds >> 1];
  }
  const {recording, dispatch} = middle as Record<Profiler['by'], KernelTime[]>;
  return {
    dispatches: dispatch.reduce((sum, {dispatches}) => sum + dispatches, 0),
    gpuUs: total(recording) / 1000,
    sumUs: total(dispatch) / 1000,
    kernels: rowsOf(dispatch),
  };
}

/** By kernel; those that read weight rows also by their shape. */
function rowsOf(times: readonly KernelTime[]): KernelRow[] {
  const rows = new Map<string, KernelRow & {bytes: number}>();
  for (const {kernel, constants, dispatches, nanoseconds} of times) {
    const {N_IN, N_SLICE_ROWS, ROW_STRIDE_WORDS} = constants;
    const name = N_IN ? `${kernel} ${N_IN} → ${N_SLICE_ROWS}` : kernel;
    const row = rows.get(name) ?? {kernel: name, dispatches: 0, us: 0, weightGBs: null, bytes: 0};
    row.dispatches += dispatches;
    row.us += nanoseconds / 1000;
    if (N_IN) row.bytes += 4 * N_SLICE_ROWS * ROW_STRIDE_WORDS * dispatches;
    rows.set(name, row);
  }
  return [...rows.values()]
    .sort((a, b) => b.us - a.us)
    .map(({bytes, ...row}) => ({...row, weightGBs: bytes > 0 && row.us > 0 ? bytes / row.us / 1000 : null}));
}

/** What the host does in a step: the medians of some. */
export async function timeHost(device: GPUDevice, step: () => Promise<unknown>, rounds = 16): Promise<HostTimes> {
  const queue = device.queue;
  const submit = queue.submit;
  const samples: [number, number, number][] = [];
  let submitted = [0, 0];
  queue.submit = (buffers) => {
    const before = performance.now();
    submit.call(queue, buffers);
    submitted = [before, performance.now()];
    return undefined;
  };
  try {
    for (let round = 0; round < rounds; round++) {
      const start = performance.now();
      await step();
      const end = performance.now();
      samples.push([submitted[0] - start, submitted[1] - submitted[0], end - start]);
    }
  } finally {
    delete (queue as {submit?: unknown}).submit;
  }
  const [encodeUs, submitUs, stepUs] = [0, 1, 2].map((i) => 1000 * median(samples.map((sample) => sample[i])));
  return {encodeUs, submitUs, stepUs};
}

/** Microseconds to copy, map and copy out a row of logits behind an empty queue, and to find its largest. */
export async function timeReadback(
  device: GPUDevice,
  count: number,
  rounds = 16,
): Promise<{readbackUs: number; argmaxUs: number}> {
  const size = 4 * count;
  const source = device.createBuffer({size, usage: GPUBufferUsage.COPY_SRC});
  const staging = device.createBuffer({size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ});
  const readback: number[] = [];
  const search: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, 0, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const row = new Float32Array(staging.getMappedRange()).slice();
    staging.unmap();
    const read = performance.now();
    argmax(row);
    readback.push(read - start);
    search.push(performance.now() - read);
  }
  source.destroy();
  staging.destroy();
  return {readbackUs: 1000 * median(readback), argmaxUs: 1000 * median(search)};
}
