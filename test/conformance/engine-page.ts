// The page in which Chromium runs the engine for the conformance run: fetches a model, computes, hands the logits back as
// base64 of f32. `node` drives it (engines.mjs).
import {PipelineCache} from '../../src/gpu/pipelines.ts';
import {type EngineRun, runEngine} from './engine-run.ts';

declare global {
  interface Window {
    logits(url: string, runs: EngineRun[]): Promise<string[]>;
    adapter(): Promise<string>;
  }
}

let opened: Promise<{device: GPUDevice; pipelines: PipelineCache}> | undefined;

async function open() {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error('Chromium has no WebGPU adapter');
  // No feature, no limit beyond the guaranteed ones: what has to be enough.
  const device = await adapter.requestDevice();
  return {device, pipelines: new PipelineCache(device)};
}

window.adapter = async () => {
  opened ??= open();
  const {vendor, architecture, device: name, description} = (await opened).device.adapterInfo;
  return [vendor, architecture, name, description].filter(Boolean).join(' ');
};

window.logits = async (url, runs) => {
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  opened ??= open();
  const {device, pipelines} = await opened;
  const results = await runEngine(device, pipelines, bytes, runs);
  return results.map((rows) => {
    const values = new Float32Array(rows.length * (rows[0]?.length ?? 0));
    rows.forEach((row, i) => {
      values.set(row, i * row.length);
    });
    let text = '';
    const bytes = new Uint8Array(values.buffer);
    for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    return btoa(text);
  });
};
