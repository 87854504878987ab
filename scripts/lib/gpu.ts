// The GPU of whatever runs this: a browser's, or in Node Dawn's over the Vulkan drivers that the environment has.

const inBrowser = typeof window !== 'undefined';

const LAVAPIPE = '/usr/share/vulkan/icd.d/lvp_icd.json';

let gpu: Promise<GPU | undefined> | undefined;
// Dawn's instance must outlive its devices: what nothing refers to is collected.
const keepAlive: unknown[] = [];

/** The platform's GPU, or undefined. In Node: Dawn over the Vulkan drivers that the environment has. */
export function findGpu(): Promise<GPU | undefined> {
  gpu ??= typeof window === 'undefined' ? dawn() : Promise.resolve(navigator.gpu);
  return gpu;
}

async function dawn(): Promise<GPU | undefined> {
  const {create, globals} = (await import(nodeModule('webgpu'))) as {
    create: (flags: string[]) => GPU;
    globals: Record<string, unknown>;
  };
  Object.assign(globalThis, globals);
  const instance = create([]);
  keepAlive.push(instance);
  return instance;
}

/** In Node, from now on lavapipe where it is installed, unless the environment asks for another driver: the same everywhere. */
export async function preferLavapipe(): Promise<void> {
  const {existsSync} = (await import(nodeModule('node:fs'))) as {existsSync: (path: string) => boolean};
  if (!existsSync(LAVAPIPE)) return;
  process.env.VK_ICD_FILENAMES ??= LAVAPIPE;
  process.env.XDG_RUNTIME_DIR ??= '/tmp';
  // Tests compile more than they run: no optimizer, vectors of four lanes. A fifth of the time, the same sums.
  process.env.GALLIVM_PERF ??= 'nopt';
  process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';
}

let idle = false;

/**
 * While Dawn waits for a device it asks by `setImmediate` again and again, and so keeps busy one of the cores that
 * lavapipe computes on. From now on it asks every millisecond. Not for benches: timers are garbage, and take their time.
 */
export function waitIdly(): void {
  if (idle || inBrowser || process.env.VK_ICD_FILENAMES !== LAVAPIPE) return;
  idle = true;
  const later = globalThis.setTimeout;
  const set = (callback: (...args: unknown[]) => void, ...args: unknown[]) => later(callback, 1, ...args);
  Object.assign(globalThis, {setImmediate: set});
}

// A name a bundler cannot see: the browser's build has no business with it.
const nodeModule = (name: string): string => name;
