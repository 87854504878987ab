// The browser's half of bench/store.ts: a model from a server through the store into an engine, and from the disk again,
// beside what reading alone takes. Bundled into a shared worker.

import type {Engine} from '../../src/engine/engine.ts';
import type {Graph} from '../../src/engine/graph/graph.ts';
import {assemble, createWeights, type EngineSizes} from '../../src/engine/memory/assemble.ts';
import {planEngine} from '../../src/engine/memory/memory-plan.ts';
import {uploadWeights} from '../../src/engine/memory/upload.ts';
import {readConfig} from '../../src/engine/model/config.ts';
import type {ModelConfig} from '../../src/engine/model/model-config.ts';
import {record} from '../../src/engine/record.ts';
import type {ByteSource} from '../../src/gguf/byte-source.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {BufferPool} from '../../src/gpu/buffers.ts';
import {guarded, requestDevice} from '../../src/gpu/device.ts';
import {PipelineCache} from '../../src/gpu/pipelines.ts';
import {createModelStore} from '../../src/store/create-model-store.ts';
import {blockHash} from '../../src/store/hash/integrity.ts';
import {Sha256} from '../../src/store/hash/sha256.ts';
import type {ModelSource} from '../../src/store/model-store.ts';
import {type LoadTimes, timeLoad} from './load-times.ts';

export interface StoreLoad {
  adapter: string;
  storage: string;
  weightBytes: number;
  kvBytes: number;
  scratchBytes: number;
  fetchedBytes: number;
  /** Opening and header, before `times` begin. */
  headerMs: number;
  /** When the last byte came over the network, as in `times`. */
  lastByteMs: number;
  times: LoadTimes;
}

export interface Flow {
  weightBytes: number;
  /** For memory of the GPU that weights fit in, before a byte is asked for. */
  buffersMs: number;
  /** From the first byte of weights asked for to the last one copied on the GPU. */
  ms: number;
  /** From the last byte that came over the network to that. */
  afterMs: number;
}

const BLOCK_BYTES = 4 * 2 ** 20;
const ENGINE_OPTIONS = {contextLength: 256, perLayerEmbeddings: 'gpu'} as const;

/** The pieces of a source, looked at and let go. Milliseconds. */
async function pass(source: ByteSource): Promise<number> {
  const start = performance.now();
  let size = 0;
  for await (const piece of source.stream(0, source.size)) size += piece.length;
  if (size !== source.size) throw new Error(`${size} of ${source.size} bytes came`);
  return performance.now() - start;
}

const bench = {
  /** So that what no one holds does not count as memory that stays. The browser has to be started with `--expose-gc`. */
  collect(): void {
    (globalThis as {gc?: () => void}).gc!();
  },

  async forget(): Promise<void> {
    await (await createModelStore()).removeAll();
  },

  /** What every load needs is in memory afterwards: a device, room for a header's strings. Nothing is stored. */
  async warm(url: string): Promise<void> {
    const {device} = await requestDevice(navigator.gpu);
    const source = await (await createModelStore()).open({url}, {keep: false});
    await readGguf(source);
    await source.close();
    device.destroy();
  },

  /** Milliseconds for the file from the network alone. */
  async fetch(url: string): Promise<number> {
    const start = performance.now();
    const reader = (await fetch(url, {cache: 'no-store'})).body!.getReader();
    while (!(await reader.read()).done);
    return performance.now() - start;
  },

  /**
   * Milliseconds for the stored file's blocks one after the other, unchecked, in memory that is used again: what the disk
   * and the browser take.
   */
  async readBlocks(): Promise<number> {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('gemma-chat');
    let buffer = new ArrayBuffer(BLOCK_BYTES);
    const start = performance.now();
    for await (const folder of root.values()) {
      if (folder.kind !== 'directory') continue;
      const names: string[] = [];
      for await (const name of (folder as FileSystemDirectoryHandle).keys()) {
        if (name.endsWith('.block')) names.push(name);
      }
      for (const name of names.sort()) {
        const file = await (await (folder as FileSystemDirectoryHandle).getFileHandle(name)).getFile();
        const reader = file.stream().getReader({mode: 'byob'});
        for (;;) {
          const {value, done} = await reader.read(new Uint8Array(buffer));
          buffer = value!.buffer;
          if (done) break;
        }
      }
    }
    return performance.now() - start;
  },

  /** Milliseconds for the same through the store: every block's hash checked. */
  async readStore(url: string): Promise<number> {
    const source = await (await createModelStore()).open({url});
    const ms = await pass(source);
    await source.close();
    return ms;
  },

  /** Weights from the store to the GPU and nothing else: no keys and values, no scratch, no kernel. They stay. */
  flow(url: string): Promise<Flow> {
    return withModel(url, async ({device, source, sizes, pool, progress}) => {
      kept = {device, buffers: pool};
      const asking = performance.now();
      const weights = await guarded(device, () => createWeights(pool, sizes));
      const start = performance.now();
      await uploadWeights(device, source, sizes.layouts, weights, new PipelineCache(device));
      await device.queue.onSubmittedWorkDone();
      const end = performance.now();
      await source.settle();
      const weightBytes = pool.stats().bytes.weights;
      return {weightBytes, buffersMs: start - asking, ms: end - start, afterMs: end - progress.lastByteAt};
    });
  },

  /**
   * The same from one block of memory, over and over: what no disk could be faster than here. Milliseconds, first into new
   * buffers, then into the same again.
   */
  upload(url: string): Promise<{fresh: number; again: number}> {
    return withModel(url, async ({device, source, sizes, pool}) => {
      kept = {device, buffers: pool};
      const weights = await guarded(device, () => createWeights(pool, sizes));
      const block = new Uint8Array(BLOCK_BYTES).map((_, i) => i * 31);
      const memory: ByteSource = {
        ...source,
        name: 'memory',
        size: source.size,
        async *stream(_, length) {
          for (let at = 0; at < length; at += BLOCK_BYTES) yield block.subarray(0, Math.min(BLOCK_BYTES, length - at));
        },
      };
      const pass = async (): Promise<number> => {
        const start = performance.now();
        await uploadWeights(device, memory, sizes.layouts, weights, new PipelineCache(device));
        await device.queue.onSubmittedWorkDone();
        return performance.now() - start;
      };
      const fresh = await pass();
      const again = await pass();
      await source.settle();
      return {fresh, again};
    });
  },

  /** Milliseconds that compiling takes alone, over buffers to which nothing is written. */
  compile(url: string): Promise<number> {
    return withModel(url, async ({device, config, graph, sizes, pool}) => {
      kept = {device, buffers: pool};
      const weights = createWeights(pool, sizes);
      const pipelines = new PipelineCache(device);
      const start = performance.now();
      await record(device, pipelines, assemble(config, graph, sizes, weights, new Map(), pool).base, null);
      return performance.now() - start;
    });
  },

  /** Begins a load as the worker does it; resolves when all weights are on the GPU. */
  begin(url: string, integrity?: string): Promise<void> {
    return new Promise((resolve, reject) => {
      loading = bench.load(url, integrity, resolve);
      loading.catch(reject);
    });
  },

  finish(): Promise<StoreLoad> {
    return loading!;
  },

  /** From opening to the first token. */
  async load(url: string, integrity: string | undefined, uploaded: () => void): Promise<StoreLoad> {
    const {device, info} = await requestDevice(navigator.gpu);
    const opening = performance.now();
    const {source, progress} = await open(url, integrity);
    const file = await readGguf(source);
    const start = performance.now();
    const {engine, times} = await timeLoad(source, file, device, ENGINE_OPTIONS, uploaded);
    await source.verify();
    await source.settle();
    kept = {device, buffers: engine};
    await source.close();
    const {weightBytes, kvBytes, scratchBytes} = engine.stats();
    const adapter = info.description || info.device || info.vendor;
    return {
      adapter,
      storage: source.storage,
      weightBytes,
      kvBytes,
      scratchBytes,
      fetchedBytes: progress.fetchedBytes,
      headerMs: start - opening,
      lastByteMs: progress.lastByteAt - start,
      times,
    };
  },

  unload(): void {
    kept?.buffers.destroy();
    kept?.device.destroy();
    kept = null;
  },

  /** MB/s of the hash of the whole (ours) and of blocks (the browser's). */
  async hashes(): Promise<{whole: number; block: number}> {
    const bytes = new Uint8Array(32 * 2 ** 20).map((_, i) => i * 31);
    const rate = async (work: () => unknown): Promise<number> => {
      let best = 0;
      for (let i = 0; i < 5; i++) {
        const start = performance.now();
        await work();
        best = Math.max(best, bytes.length / 1000 / (performance.now() - start));
      }
      return best;
    };
    return {
      whole: await rate(() => new Sha256().update(bytes).digest()),
      block: await rate(async () => {
        for (let at = 0; at < bytes.length; at += BLOCK_BYTES) await blockHash(bytes.subarray(at, at + BLOCK_BYTES));
      }),
    };
  },
};

let loading: Promise<StoreLoad> | null = null;
/** Stays while memory is measured. */
let kept: {device: GPUDevice; buffers: Engine | BufferPool} | null = null;

interface Progress {
  fetchedBytes: number;
  /** On performance.now()'s clock. */
  lastByteAt: number;
}

async function open(url: string, integrity?: string): Promise<{source: ModelSource; progress: Progress}> {
  const progress: Progress = {fetchedBytes: 0, lastByteAt: 0};
  const store = await createModelStore();
  const source = await store.open(
    {url, integrity},
    {
      onProgress({fetchedBytes}) {
        if (fetchedBytes === progress.fetchedBytes) return;
        progress.fetchedBytes = fetchedBytes;
        progress.lastByteAt = performance.now();
      },
    },
  );
  return {source, progress};
}

interface Opened {
  device: GPUDevice;
  source: ModelSource;
  config: ModelConfig;
  sizes: EngineSizes;
  graph: Graph;
  pool: BufferPool;
  progress: Progress;
}

/** Runs `work` with all that a load has before it begins. What it keeps is let go of by `unload`. */
async function withModel<T>(url: string, work: (opened: Opened) => Promise<T>): Promise<T> {
  const {device} = await requestDevice(navigator.gpu);
  const {source, progress} = await open(url);
  const config = readConfig(await readGguf(source));
  const {sizes, graph} = planEngine(config, device.limits, ENGINE_OPTIONS);
  const pool = new BufferPool(device);
  try {
    return await work({device, source, config, sizes, graph, pool, progress});
  } finally {
    await source.close();
  }
}

export type StoreBench = typeof bench;

/** A method's name and arguments, with a port for its answer. */
type Call = MessageEvent<{name: keyof StoreBench; args: unknown[]}>;

async function answer({data: {name, args}, ports: [reply]}: Call): Promise<void> {
  try {
    reply.postMessage({value: await (bench[name] as (...args: unknown[]) => unknown)(...args)});
  } catch (error) {
    reply.postMessage({error: String((error as Error).stack)});
  }
}

addEventListener('connect', (event) => {
  (event as MessageEvent).ports[0].onmessage = answer;
});
