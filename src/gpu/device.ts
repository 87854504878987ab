// Gets a GPUDevice and turns its failures into GemmaErrors. Knows no kernel and no buffer of ours.
import {GemmaError} from '../errors.ts';

/** The two limits that decide how weights are cut. */
export interface SizeLimits {
  maxBufferSize: number;
  maxStorageBufferBindingSize: number;
}

/** All limits that decide how an engine is made. */
export interface EngineLimits extends SizeLimits {
  /** Storage buffers of a dispatch; 8 is what every device has. */
  maxStorageBuffersPerShaderStage?: number;
}

/** What to ask of the adapter. */
export interface DeviceOptions {
  /** Forces smaller limits than the adapter's; values below WebGPU's defaults bind our own allocations only. */
  limits?: Partial<SizeLimits>;
  /** Ask for `timestamp-query` where the adapter has it. Default false. */
  profile?: boolean;
  powerPreference?: GPUPowerPreference;
}

/** A device and what is known of it. */
export interface Device {
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  /** Whether the adapter computes on the CPU. */
  readonly software: boolean;
  /** Sizes in bytes; never above what the device has. */
  readonly limits: Readonly<EngineLimits>;
}

/** Kernels that are only faster with them ask the device whether it has them. */
const USEFUL_FEATURES: readonly GPUFeatureName[] = ['subgroups'];
const USEFUL_LIMITS = [
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;

const DEFAULT_LIMITS: SizeLimits = {maxBufferSize: 268435456, maxStorageBufferBindingSize: 134217728};

/** The GPU, without taking anything of it. @throws GemmaError `webgpu-missing`, `adapter-missing`. */
export async function findAdapter(
  gpu: GPU | undefined,
  powerPreference: GPUPowerPreference = 'high-performance',
): Promise<GPUAdapter> {
  if (!gpu)
    throw new GemmaError('webgpu-missing', 'navigator.gpu is missing; expected a browser with WebGPU on a secure page');
  // The first ask after a start, or after the GPU's process has ended, may come too early.
  for (const wait of [0, 100, 400]) {
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const adapter = await gpu.requestAdapter({powerPreference});
    if (adapter) return adapter;
  }
  throw new GemmaError(
    'adapter-missing',
    'WebGPU found no adapter; turn on hardware acceleration or update the GPU driver',
  );
}

/** @throws GemmaError `webgpu-missing`, `adapter-missing`. */
export async function requestDevice(gpu: GPU | undefined, options: DeviceOptions = {}): Promise<Device> {
  const adapter = await findAdapter(gpu, options.powerPreference);
  const {maxStorageBuffersPerShaderStage} = adapter.limits;
  const limits = {maxStorageBuffersPerShaderStage} as EngineLimits;
  const required: Record<string, number> = {};
  for (const name of ['maxBufferSize', 'maxStorageBufferBindingSize'] as const) {
    limits[name] = Math.min(adapter.limits[name], options.limits?.[name] ?? Infinity);
    required[name] = Math.max(limits[name], Math.min(DEFAULT_LIMITS[name], adapter.limits[name]));
  }
  for (const name of USEFUL_LIMITS) required[name] = adapter.limits[name];
  const features = USEFUL_FEATURES.filter((feature) => adapter.features.has(feature));
  if (options.profile && adapter.features.has('timestamp-query')) features.push('timestamp-query');
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({
      requiredLimits: required,
      requiredFeatures: features,
    });
  } catch (cause) {
    throw new GemmaError('adapter-missing', `the adapter gave no device: ${text(cause)}`, {cause, detail: {required}});
  }
  return {device, info: adapter.info, software: isSoftware(adapter.info), limits};
}

/** Whether an adapter computes on the CPU: it says so itself, or by its name. */
export const isSoftware = ({architecture, device, description, isFallbackAdapter}: GPUAdapterInfo): boolean =>
  isFallbackAdapter ||
  /llvmpipe|lavapipe|swiftshader|software|basic render|\bcpu\b/i.test(`${architecture} ${device} ${description}`);

/** Why a device went, as an error. */
export function lostError(info: GPUDeviceLostInfo): GemmaError {
  const message = `the GPU device was lost (${info.reason || 'unknown'}): ${info.message || 'no reason given'}; load the model again`;
  return new GemmaError('device-lost', message, {detail: {reason: info.reason}});
}

/**
 * Runs `fn` inside error scopes and throws what the GPU reports about the calls it made.
 * `fn` is synchronous on purpose: scopes are one stack a device, and an `await` inside would mix them up.
 * @throws GemmaError `out-of-memory`, `shader-invalid`, `internal`.
 */
export async function guarded<T>(device: GPUDevice, fn: () => T): Promise<T> {
  for (const filter of ['internal', 'out-of-memory', 'validation'] as const) device.pushErrorScope(filter);
  let result: T;
  let scopes: Promise<(GPUError | null)[]>;
  try {
    result = fn();
  } finally {
    // Also when fn itself threw: the scopes have to go.
    scopes = Promise.all([device.popErrorScope(), device.popErrorScope(), device.popErrorScope()]);
    scopes.catch(() => undefined);
  }
  const [validation, outOfMemory, internal] = await scopes;
  if (outOfMemory) throw new GemmaError('out-of-memory', `the GPU is out of memory: ${outOfMemory.message}`);
  if (validation) {
    const code = /wgsl|shader module/i.test(validation.message) ? 'shader-invalid' : 'internal';
    throw new GemmaError(code, `WebGPU refused a call: ${validation.message}`);
  }
  if (internal) throw new GemmaError('internal', `WebGPU failed inside: ${internal.message}`);
  return result;
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
