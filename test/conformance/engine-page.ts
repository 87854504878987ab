// The page in which Chromium runs the engine for the conformance run: fetches a model, computes when told, hands the
// logits back as base64 of f32. `node` drives it (chrome-engine.mjs).
import {type EngineRun, runEngine} from './engine-run.ts';

declare global {
  interface Window {
    begin(url: string, runs: EngineRun[]): Promise<void>;
    finish(): Promise<string[]>;
    adapter(): Promise<string>;
  }
}

let device: Promise<GPUDevice> | undefined;
let working: Promise<Float32Array[][]> | undefined;

async function requestDevice(): Promise<GPUDevice> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error('Chromium has no WebGPU adapter');
  // No feature, no limit beyond the guaranteed ones: what has to be enough.
  return adapter.requestDevice();
}

window.adapter = async () => {
  device ??= requestDevice();
  const {vendor, architecture, device: name, description} = (await device).adapterInfo;
  return [vendor, architecture, name, description].filter(Boolean).join(' ');
};

window.begin = async (url, runs) => {
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  device ??= requestDevice();
  working = device.then((ready) => runEngine(ready, bytes, runs));
  working.catch(() => {}); // told by finish()
};

window.finish = async () => {
  const results = (await working) ?? [];
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
