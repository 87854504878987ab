// The adapter that the measurements run on: Dawn's instance with the toggles they need, and a description of what it
// found. Knows no kernel.
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {isSoftware} from '../../src/gpu/device.ts';

/** f16 is hidden on NVIDIA by default; timestamps are rounded to 65 µs by default. */
const TOGGLES = [
  'enable-dawn-features=vulkan_enable_f16_on_nvidia',
  'disable-dawn-features=timestamp_quantization',
] as const;

export interface AdapterReport {
  vendor: string;
  architecture: string;
  device: string;
  /** Names the driver, as Dawn reports it. */
  description: string;
  /** The driver's version as `nvidia-smi` gives it, where there is one. */
  driver: string | null;
  software: boolean;
  subgroupSizes: [number, number];
  /** With Dawn's defaults: what a page sees. */
  features: string[];
  /** Only with the toggles. */
  furtherFeatures: string[];
  toggles: readonly string[];
  limits: Record<string, number>;
  /** Of the npm package `webgpu`. */
  dawn: string;
  node: string;
}

// Dawn's instance must outlive its devices: what nothing refers to is collected.
const keepAlive: unknown[] = [];

async function createGpu(flags: readonly string[]): Promise<GPU> {
  const {create, globals} = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = create([...flags]);
  keepAlive.push(gpu);
  return gpu;
}

/** @throws Error when there is no adapter. */
export async function openAdapter(): Promise<{gpu: GPU; report: AdapterReport}> {
  const plain = await (await createGpu([])).requestAdapter({powerPreference: 'high-performance'});
  const gpu = await createGpu(TOGGLES);
  const adapter = await gpu.requestAdapter({powerPreference: 'high-performance'});
  if (!adapter || !plain) throw new Error('Dawn found no adapter: is the Vulkan loader installed, and a driver?');
  const {vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize} = adapter.info;
  const limits: Record<string, number> = {};
  // Limits are prototype getters, so `for … in`.
  for (const name in adapter.limits) {
    const value = adapter.limits[name as keyof GPUSupportedLimits];
    if (typeof value === 'number') limits[name] = value;
  }
  const features = [...plain.features].sort();
  const report: AdapterReport = {
    vendor,
    architecture,
    device,
    description,
    driver: nvidiaDriver(),
    software: isSoftware(adapter.info),
    subgroupSizes: [subgroupMinSize, subgroupMaxSize],
    features,
    furtherFeatures: [...adapter.features].filter((feature) => !features.includes(feature)).sort(),
    toggles: TOGGLES,
    limits,
    dawn: dawnVersion(),
    node: process.version,
  };
  return {gpu, report};
}

function nvidiaDriver(): string | null {
  try {
    const query = [
      '--query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem',
      '--format=csv,noheader',
    ];
    return execFileSync('nvidia-smi', query, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore']}).trim();
  } catch {
    return null;
  }
}

function dawnVersion(): string {
  const file = new URL('package.json', import.meta.resolve('webgpu'));
  return (JSON.parse(readFileSync(file, 'utf8')) as {version: string}).version;
}
