// A GPUDevice for tests, in Node (Dawn over whatever Vulkan finds) and in a browser alike, and one call that runs one
// kernel. Every WebGPU error fails the test it happens in. Knows no kernel.
import {findGpu, preferLavapipe, waitIdly} from '../../scripts/lib/gpu.ts';
import {packStep} from '../../src/engine/step-data.ts';
import {type Constants, completeConstants, type Kernel} from '../../src/gpu/kernel.ts';
import {PipelineCache} from '../../src/gpu/pipelines.ts';
import {bind} from '../../src/gpu/recorder.ts';

export interface DeviceRequest {
  /** Defaults to none: WebGPU's guaranteed limits. `'max'`: everything the adapter has. */
  limits?: Record<string, number> | 'max';
  features?: GPUFeatureName[];
}

/**
 * A browser without a GPU takes ten times as long for a step. What whole models have in common is tested there on some of
 * them; `npm run conformance` runs all of them on both adapters.
 */
export const inBrowser = typeof window !== 'undefined';

type Data = Float32Array | Uint32Array | Uint8Array;

/** An adapter, or undefined where GPU tests are skipped. */
export async function findAdapter(): Promise<GPUAdapter | undefined> {
  if (!inBrowser) await preferLavapipe();
  const adapter = await (await findGpu())?.requestAdapter();
  if (adapter) return adapter;
  const reason = 'no WebGPU adapter was found; mesa-vulkan-drivers has a software one';
  if (inBrowser) throw new Error(reason);
  skipping(reason);
  return undefined;
}

const reasons = new Set<string>();

/**
 * Prints once why tests are skipped; `npm test` repeats it at its end (scripts/test.mjs).
 * @throws under REQUIRE_LAVAPIPE=1: there, the adapter has everything that tests ask for
 */
function skipping(reason: string): void {
  if (!inBrowser && process.env.REQUIRE_LAVAPIPE === '1') throw new Error(reason);
  if (!reasons.has(reason)) console.log(`skipping: ${reason}`);
  reasons.add(reason);
}

interface Lent {
  device: GPUDevice;
  errors: string[];
}
const lent = new Map<string, Promise<Lent>>();
const caches = new WeakMap<GPUDevice, PipelineCache>();

/** What tests have compiled on a device: a kernel, or a whole model's, is compiled once. */
export function pipelinesOf(device: GPUDevice): PipelineCache {
  const cache = caches.get(device) ?? new PipelineCache(device);
  caches.set(device, cache);
  return cache;
}

async function lend(adapter: GPUAdapter, request: DeviceRequest): Promise<Lent> {
  const requiredLimits: Record<string, number> = {};
  if (request.limits === 'max') {
    // Limits are prototype getters, so `for … in`.
    for (const name in adapter.limits) {
      const value = adapter.limits[name as keyof GPUSupportedLimits];
      if (typeof value === 'number' && name.startsWith('max')) requiredLimits[name] = value;
    }
  } else {
    Object.assign(requiredLimits, request.limits);
  }
  const device = await adapter.requestDevice({requiredLimits, requiredFeatures: request.features ?? []});
  const errors: string[] = [];
  device.addEventListener('uncapturederror', (event) => {
    errors.push((event as GPUUncapturedErrorEvent).error.message);
  });
  return {device, errors};
}

/**
 * A mocha test body with a device. Devices are shared between tests that ask for the same; a test that loses its
 * device gets the next one a new device.
 */
export function withDevice(body: (device: GPUDevice) => Promise<void> | void, request: DeviceRequest = {}) {
  return async function (this: Mocha.Context): Promise<void> {
    const adapter = await findAdapter();
    if (!adapter) return this.skip();
    waitIdly();
    const missing = request.features?.filter((feature) => !adapter.features.has(feature)) ?? [];
    if (missing.length > 0) {
      skipping(`the adapter has no ${missing.join(', ')}`);
      return this.skip();
    }
    const key = JSON.stringify(request);
    if (!lent.has(key)) lent.set(key, lend(adapter, request));
    const {device, errors} = await (lent.get(key) as Promise<Lent>);
    let lost = false;
    void device.lost.then(() => {
      lost = true;
      lent.delete(key);
    });
    errors.length = 0;
    await body(device);
    // Errors arrive behind the work that made them.
    device.pushErrorScope('validation');
    await device.popErrorScope().catch(() => null);
    if (!lost) await device.queue.onSubmittedWorkDone().catch(() => undefined);
    if (errors.length > 0) throw new Error(`WebGPU reported: ${errors.join('\n')}`);
  };
}

export interface KernelRun<B extends string, C extends string, S> {
  /** Contents of the read-only and uniform buffers. */
  input: Partial<Record<B, Data>>;
  /** The buffers written to: each one's length in f32, or its contents before. */
  output: Partial<Record<B, number | Float32Array>>;
  constants: Constants<C>;
  shape: S;
}

/** Runs a kernel once on fresh buffers and returns its output, the last one where there are several. */
export async function runKernel<B extends string, C extends string, S>(
  device: GPUDevice,
  kernel: Kernel<B, C, S>,
  run: KernelRun<B, C, S>,
): Promise<Float32Array<ArrayBuffer>> {
  return [...(await runKernelOutputs(device, kernel, run)).values()].at(-1)!;
}

/** Runs a kernel once on fresh buffers and returns all that it wrote, by binding. */
export async function runKernelOutputs<B extends string, C extends string, S>(
  device: GPUDevice,
  kernel: Kernel<B, C, S>,
  {input, output, constants, shape}: KernelRun<B, C, S>,
): Promise<Map<B, Float32Array<ArrayBuffer>>> {
  const pipelines = pipelinesOf(device);
  const buffers = {} as Record<B, GPUBuffer>;
  const lengths = new Map<B, number>();
  for (const {name, access} of kernel.bindings) {
    const given: Data | number | undefined = access === 'read_write' ? output[name as B] : input[name as B];
    if (given === undefined) throw new Error(`${kernel.name}: no data for ${name}`);
    const data = typeof given === 'number' ? new Float32Array(given) : given;
    buffers[name as B] = upload(device, data, access === 'uniform' ? GPUBufferUsage.UNIFORM : GPUBufferUsage.STORAGE);
    if (access === 'read_write') lengths.set(name as B, data.length);
  }
  if (lengths.size === 0) throw new Error(`${kernel.name} writes nothing`);
  const pipeline = await pipelines.get(kernel, constants);
  const encoder = device.createCommandEncoder();
  const grid = kernel.grid(shape, completeConstants(kernel, constants));
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bind(device, pipelines, kernel, constants, buffers));
  pass.dispatchWorkgroups(...grid);
  pass.end();
  device.queue.submit([encoder.finish()]);
  const results = new Map<B, Float32Array<ArrayBuffer>>();
  for (const [name, length] of lengths) {
    results.set(name, new Float32Array(await readBuffer(device, buffers[name], 4 * length)));
  }
  for (const buffer of Object.values<GPUBuffer>(buffers)) buffer.destroy();
  return results;
}

/** A buffer with these contents, rounded up to 16 bytes, that can be copied from. */
export function upload(device: GPUDevice, data: Data, usage = GPUBufferUsage.STORAGE): GPUBuffer {
  const bytes = new Uint8Array(Math.max(16, Math.ceil(data.byteLength / 16) * 16));
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const buffer = device.createBuffer({
    size: bytes.length,
    usage: usage | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
  });
  device.queue.writeBuffer(buffer, 0, bytes);
  return buffer;
}

/** The first `byteLength` bytes of a buffer. */
export async function readBuffer(device: GPUDevice, source: GPUBuffer, byteLength: number): Promise<ArrayBuffer> {
  const size = Math.ceil(byteLength / 4) * 4;
  const staging = device.createBuffer({size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ});
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(source, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const copy = staging.getMappedRange().slice(0, byteLength);
  staging.destroy();
  return copy;
}

/** The `step` uniform. */
export const stepData = (nRows: number, nOutputs = nRows): Uint32Array => packStep({nRows, nOutputs});

export {packRows as rowData} from '../../src/engine/step-data.ts';
