// The browser's half of bench/load-memory.ts: loads the file in the page's input into an engine, as a worker would.
// Bundled into a page.
import {loadEngine} from '../../src/engine/load-engine.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {requestDevice} from '../../src/gpu/device.ts';
import {blobSource} from '../../src/store/blob-source.ts';
import type {LoadFigures, Table} from '../load-memory.ts';

const bench = {
  /** Everything before the tensors: device, header. */
  async open() {
    const file = document.querySelector('input')!.files![0];
    const source = blobSource(file, file.name);
    const {device, info} = await requestDevice(navigator.gpu);
    opened = {source, device, header: await readGguf(source)};
    return info.description || info.device || info.vendor;
  },

  async load(perLayerEmbeddings: Table): Promise<LoadFigures> {
    const {source, device, header} = opened!;
    const start = performance.now();
    engine = await loadEngine(source, header, device, {perLayerEmbeddings});
    const {weightBytes, kvBytes, scratchBytes} = engine.stats();
    return {weightBytes, kvBytes, scratchBytes, seconds: (performance.now() - start) / 1000};
  },
};

let opened: {source: ReturnType<typeof blobSource>; device: GPUDevice; header: Awaited<ReturnType<typeof readGguf>>};
/** Kept: its buffers are to stay. */
let engine: Awaited<ReturnType<typeof loadEngine>>;

export type LoadBench = typeof bench;
Object.assign(globalThis, {loadBench: bench});
