// GPU time through timestamp queries, by kernel or of the whole step. Off unless one is made. By kernel it splits
// a step into a pass a dispatch, so its sum is above a normal step's time. Knows no kernel but its name and constants.
import {GemmaError} from '../errors.ts';

/** The time of all dispatches of a kernel with the same constants. */
export interface KernelTime {
  kernel: string;
  /** What it was recorded with: the shape, mostly. */
  constants: Readonly<Record<string, number>>;
  /** What its dispatches computed: `blk.3.attn_q · mul_mat_q4_k`. */
  labels: string[];
  dispatches: number;
  /** Nanoseconds, summed. Browsers quantise to 100 µs unless a developer flag is on. */
  nanoseconds: number;
}

/** What a pass runs. */
export interface TimedPass {
  kernel: string;
  constants?: KernelTime['constants'];
  /** Default: the kernel. */
  label?: string;
}

/** Times the passes of a step. */
export class Profiler {
  /** What one pass holds: one dispatch, or all that a recording has. */
  readonly by: 'dispatch' | 'recording';
  readonly #capacity: number;
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #readback: GPUBuffer;
  readonly #passes: Required<TimedPass>[] = [];

  /** Whether this device can time passes. */
  static supported(device: GPUDevice): boolean {
    return device.features.has('timestamp-query');
  }

  /** `capacity`: passes of one profiled step, at most 2048; later ones run untimed. */
  constructor(device: GPUDevice, by: Profiler['by'] = 'dispatch', capacity = 2048) {
    if (!Profiler.supported(device)) {
      throw new GemmaError('internal', 'the device has no timestamp-query; request it with `profile: true`');
    }
    this.by = by;
    this.#capacity = Math.min(capacity, 2048); // WebGPU's largest query set holds 4096
    const count = 2 * this.#capacity;
    this.#queries = device.createQuerySet({label: 'profiler', type: 'timestamp', count});
    this.#resolved = device.createBuffer({
      label: 'profiler',
      size: 8 * count,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
    this.#readback = device.createBuffer({
      label: 'profiler readback',
      size: 8 * count,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
  }

  /** The descriptor of a pass that runs one dispatch, or a recording. */
  pass({kernel, constants = {}, label = kernel}: TimedPass): GPUComputePassDescriptor {
    const index = this.#passes.length;
    if (index === this.#capacity) return {label};
    this.#passes.push({kernel, constants, label});
    return {
      label,
      timestampWrites: {
        querySet: this.#queries,
        beginningOfPassWriteIndex: 2 * index,
        endOfPassWriteIndex: 2 * index + 1,
      },
    };
  }

  /** After the last pass, before the submit. */
  resolve(encoder: GPUCommandEncoder): void {
    const count = 2 * this.#passes.length;
    if (count === 0) return;
    encoder.resolveQuerySet(this.#queries, 0, count, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#readback, 0, 8 * count);
  }

  /** After the submit: times by kernel and constants, the slowest first. The profiler is then ready for another step. */
  async read(): Promise<KernelTime[]> {
    const passes = this.#passes.splice(0);
    if (passes.length === 0) return [];
    await this.#readback.mapAsync(GPUMapMode.READ, 0, 16 * passes.length);
    const stamps = new BigUint64Array(this.#readback.getMappedRange(0, 16 * passes.length).slice(0));
    this.#readback.unmap();
    const times = new Map<string, KernelTime>();
    passes.forEach(({kernel, constants, label}, i) => {
      const key = `${kernel} ${JSON.stringify(constants)}`;
      const time = times.get(key) ?? {kernel, constants, labels: [], dispatches: 0, nanoseconds: 0};
      time.dispatches++;
      time.labels.push(label);
      // Clocks may step back between passes on some drivers; a negative time is no time.
      time.nanoseconds += Math.max(0, Number(stamps[2 * i + 1] - stamps[2 * i]));
      times.set(key, time);
    });
    return [...times.values()].sort((a, b) => b.nanoseconds - a.nanoseconds);
  }

  destroy(): void {
    this.#queries.destroy();
    this.#resolved.destroy();
    this.#readback.destroy();
  }
}
