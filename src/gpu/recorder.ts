// A list of dispatches, built once and replayed every step. Building makes pipelines and bind groups; replaying makes
// no GPU object but what the caller's encoder needs. Knows no model: what a step is, is the caller's type.
import {GemmaError} from '../errors.ts';
import {GridPlans, isEmpty} from './grid-plans.ts';
import {type Constants, completeConstants, type Grid, type Kernel} from './kernel.ts';
import type {PipelineCache} from './pipelines.ts';
import type {Profiler} from './profiler.ts';

/** A buffer to bind: whole, or a range whose offset is a multiple of 256 bytes. */
export type BufferBinding = GPUBuffer | GPUBufferBinding;

/** A dispatch that is ready to be replayed. */
export interface Dispatch<Step> {
  /** What it computes and by which kernel, for errors, profiles and captures. */
  readonly label: string;
  readonly kernel: string;
  readonly constants: Readonly<Record<string, number>>;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly grid: (step: Step) => Grid;
}

/** Collects dispatches for a recording. */
export class Recorder<Step> {
  readonly #device: GPUDevice;
  readonly #pipelines: PipelineCache;
  readonly #dispatches: Promise<Dispatch<Step>>[] = [];

  constructor(device: GPUDevice, pipelines: PipelineCache) {
    this.#device = device;
    this.#pipelines = pipelines;
  }

  /**
   * Appends a dispatch. `shape` gives how much of it a step needs; a grid with a zero is left out of that step.
   * The pipeline compiles in the background until `finish`. `label`: what the dispatch is called, besides its kernel.
   */
  add<B extends string, C extends string, S>(
    kernel: Kernel<B, C, S>,
    constants: Constants<C>,
    buffers: Readonly<Record<B, BufferBinding>>,
    shape: (step: Step) => S,
    label = kernel.name,
  ): void {
    const values = completeConstants(kernel, constants);
    const bindGroup = bind(this.#device, this.#pipelines, kernel, constants, buffers, label);
    const pending = this.#pipelines
      .get(kernel, constants)
      .catch(named(label))
      .then((pipeline) => ({
        label,
        kernel: kernel.name,
        constants: values,
        pipeline,
        bindGroup,
        grid: (step: Step) => kernel.grid(shape(step), values),
      }));
    pending.catch(() => undefined); // `finish` reports it
    this.#dispatches.push(pending);
  }

  /**
   * @param varying see `Recording`
   * @throws GemmaError `shader-invalid` when a kernel does not compile on this device.
   */
  async finish(varying?: keyof Step): Promise<Recording<Step>> {
    return new Recording(await Promise.all(this.#dispatches), varying);
  }
}

/** Dispatches in order, replayed in every step. */
export class Recording<Step> {
  readonly dispatches: readonly Dispatch<Step>[];
  readonly #plans: {of(step: Step): readonly {item: Dispatch<Step>; grid: Grid}[]};

  /** @param varying of steps that are objects: the property that is another in nearly every step. Grids are kept by the others. */
  constructor(dispatches: readonly Dispatch<Step>[], varying?: keyof Step) {
    this.dispatches = dispatches;
    this.#plans =
      varying === undefined
        ? {of: (step) => dispatches.map((item) => ({item, grid: item.grid(step)}))}
        : new GridPlans<Step & object, Dispatch<Step>>(dispatches, varying);
  }

  /**
   * Encodes one step as one compute pass (with a profiler by dispatch: one pass each) and returns the number of dispatches.
   * Writes to buffers and the submit are the caller's.
   */
  replay(encoder: GPUCommandEncoder, step: Step, profiler?: Profiler): number {
    let count = 0;
    let pass: GPUComputePassEncoder | undefined;
    let pipeline: GPUComputePipeline | undefined;
    for (const {item: dispatch, grid} of this.#plans.of(step)) {
      if (isEmpty(grid)) continue;
      const splits = profiler?.by === 'dispatch';
      if (!pass) {
        pass = encoder.beginComputePass(splits ? profiler.pass(dispatch) : profiler?.pass({kernel: 'recording'}));
        pipeline = undefined;
      }
      // A call costs a microsecond or two, and there are hundreds in a token.
      if (pipeline !== dispatch.pipeline) pass.setPipeline(dispatch.pipeline);
      pipeline = dispatch.pipeline;
      pass.setBindGroup(0, dispatch.bindGroup);
      if (profiler) pass.insertDebugMarker(dispatch.label); // for captures
      pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
      count++;
      if (splits) {
        pass.end();
        pass = undefined;
      }
    }
    pass?.end();
    return count;
  }
}

/** Adds to an error which dispatch it belongs to. */
const named = (label: string) => (error: unknown) => {
  const {code, message, detail} = GemmaError.from(error);
  throw new GemmaError(code, `${label}: ${message}`, {cause: error, detail});
};

/**
 * A bind group with a buffer for every name of the kernel, and its shape.
 * @throws GemmaError `internal` when a name is missing.
 */
export function bind<B extends string, C extends string, S>(
  device: GPUDevice,
  pipelines: PipelineCache,
  kernel: Kernel<B, C, S>,
  constants: Constants<C>,
  buffers: Readonly<Record<B, BufferBinding>>,
  label = kernel.name,
): GPUBindGroup {
  const entries: GPUBindGroupEntry[] = kernel.bindings.map(({name}, binding) => {
    const bound: BufferBinding | undefined = buffers[name as B];
    if (!bound) throw new GemmaError('internal', `${label}: no buffer for ${name}`);
    return {binding, resource: 'buffer' in bound ? bound : {buffer: bound}};
  });
  const shape = pipelines.shape(kernel, constants);
  if (shape) entries.push({binding: entries.length, resource: {buffer: shape}});
  return device.createBindGroup({label, layout: pipelines.layout(kernel), entries});
}
