// The browser's half of bench/load-memory.ts: loads the file in the page's input into an engine, as a worker would.
// Bundled into a page.
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {requestDevice} from '../../src/gpu/device.ts';
import {blobSource} from '../../src/store/sources/blob-source.ts';
import type {LoadFigures, Table} from './load-figures.ts';
import {timeLoad} from './load-times.ts';

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
    loaded = await timeLoad(source, header, device, {perLayerEmbeddings});
    const {weightBytes, kvBytes, scratchBytes} = loaded.engine.stats();
    return {weightBytes, kvBytes, scratchBytes, times: loaded.times};
  },
};

let opened: {source: ReturnType<typeof blobSource>; device: GPUDevice; header: Awaited<ReturnType<typeof readGguf>>};
/** Kept: its buffers are to stay. */
let loaded: Awaited<ReturnType<typeof timeLoad>>;

export type LoadBench = typeof bench;
Object.assign(globalThis, {loadBench: bench});
