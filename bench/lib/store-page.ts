// The browser's half of bench/store.ts: a model from a server through the store into an engine, and from the disk again,
// beside what reading alone takes. Bundled into a page.
import {loadEngine} from '../../src/engine/load-engine.ts';
import type {ByteSource} from '../../src/gguf/byte-source.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {requestDevice} from '../../src/gpu/device.ts';
import {createModelStore} from '../../src/store/create-model-store.ts';
import {sha256Hex} from '../../src/store/integrity.ts';
import {Sha256} from '../../src/store/sha256.ts';

export interface StoreLoad {
  adapter: string;
  storage: string;
  weightBytes: number;
  fetchedBytes: number;
  /** Milliseconds from the opening. */
  lastByteMs: number;
  /** When the first byte of weights was asked for: header and self-test of the kernels lie before. */
  beganMs: number;
  uploadedMs: number;
  firstTokenMs: number;
}

/** The pieces of a source, looked at and let go. Milliseconds. */
async function pass(source: ByteSource): Promise<number> {
  const start = performance.now();
  let size = 0;
  for await (const piece of source.stream(0, source.size)) size += piece.length;
  if (size !== source.size) throw new Error(`${size} of ${source.size} bytes came`);
  return performance.now() - start;
}

const bench = {
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

  /** Milliseconds for the stored file's blocks one after the other, unchecked: what the disk and the browser take. */
  async readBlocks(): Promise<number> {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('gemma-chat');
    const start = performance.now();
    for await (const folder of root.values()) {
      if (folder.kind !== 'directory') continue;
      const names: string[] = [];
      for await (const name of (folder as FileSystemDirectoryHandle).keys()) {
        if (name.endsWith('.block')) names.push(name);
      }
      for (const name of names.sort()) {
        const handle = await (folder as FileSystemDirectoryHandle).getFileHandle(name);
        await (await handle.getFile()).arrayBuffer();
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
    const store = await createModelStore();
    const start = performance.now();
    const since = () => performance.now() - start;
    let lastByteMs = 0;
    let uploadedMs = 0;
    let beganMs = 0;
    let fetchedBytes = 0;
    const source = await store.open(
      {url, integrity},
      {
        onProgress(progress) {
          if (progress.fetchedBytes === fetchedBytes) return;
          fetchedBytes = progress.fetchedBytes;
          lastByteMs = since();
        },
      },
    );
    const file = await readGguf(source);
    const engine = await loadEngine(source, file, device, {
      contextLength: 256,
      perLayerEmbeddings: 'gpu',
      onProgress(loaded, total) {
        if (loaded === 0) beganMs = since();
        if (loaded < total) return;
        uploadedMs = since();
        uploaded();
      },
    });
    await source.verify();
    await source.settle();
    const sequence = engine.createSequence([2]);
    await engine.step([{sequence, tokens: [2], logits: 'last'}]);
    const firstTokenMs = since();
    const {weightBytes} = engine.stats();
    const adapter = info.description || info.device || info.vendor;
    kept = {device, engine};
    await source.close();
    const {storage} = source;
    return {adapter, storage, weightBytes, fetchedBytes, lastByteMs, beganMs, uploadedMs, firstTokenMs};
  },

  unload(): void {
    kept?.engine.destroy();
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
      block: await rate(() => sha256Hex(bytes)),
    };
  },
};

let loading: Promise<StoreLoad> | null = null;
/** Kept: its buffers are to stay while memory is measured. */
let kept: {device: GPUDevice; engine: Awaited<ReturnType<typeof loadEngine>>} | null = null;

export type StoreBench = typeof bench;
Object.assign(globalThis, {storeBench: bench});
