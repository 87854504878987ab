// When the parts of a load are done, and what is left for after the last byte. Runs wherever there is a GPUDevice.
import type {Engine, EngineOptions} from '../../src/engine/engine.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import type {ByteSource} from '../../src/gguf/byte-source.ts';
import type {GgufFile} from '../../src/gguf/gguf-file.ts';

/** Milliseconds since the engine was asked for. */
export interface LoadTimes {
  /** The first byte of weights is asked for: buffers are made. */
  beganMs: number;
  /** All bytes are handed to the GPU. */
  uploadedMs: number;
  /** The last kernel is compiled. */
  compiledMs: number;
  /** The model has checked itself. */
  readyMs: number;
  /** One token, logits read back. */
  firstTokenMs: number;
}

export async function timeLoad(
  source: ByteSource,
  file: GgufFile,
  device: GPUDevice,
  options: EngineOptions,
  uploaded: () => void = () => undefined,
): Promise<{engine: Engine; times: LoadTimes}> {
  const times: LoadTimes = {beganMs: 0, uploadedMs: 0, compiledMs: 0, readyMs: 0, firstTokenMs: 0};
  const start = performance.now();
  const since = (): number => performance.now() - start;
  const compile = device.createComputePipelineAsync.bind(device);
  device.createComputePipelineAsync = async (descriptor) => {
    const pipeline = await compile(descriptor);
    times.compiledMs = since();
    return pipeline;
  };
  const engine = await loadEngine(source, file, device, {
    ...options,
    onProgress(loaded, total) {
      if (loaded === 0) times.beganMs = since();
      if (loaded < total) return;
      times.uploadedMs = since();
      uploaded();
    },
  }).finally(() => delete (device as {createComputePipelineAsync?: unknown}).createComputePipelineAsync);
  times.readyMs = since();
  const sequence = engine.createSequence([2]);
  await engine.step([{sequence, tokens: [2], logits: 'last'}]);
  sequence.free();
  times.firstTokenMs = since();
  return {engine, times};
}

/** What comes after the last byte, in words. */
export function afterLastByte({uploadedMs, compiledMs, readyMs, firstTokenMs}: LoadTimes): string {
  const seconds = (ms: number): string => (Math.max(0, ms) / 1000).toFixed(2);
  const checking = readyMs - Math.max(uploadedMs, compiledMs);
  return `first token ${seconds(firstTokenMs - uploadedMs)} s after the last byte: compiling ${seconds(compiledMs - uploadedMs)}, self-test ${seconds(checking)}, the token ${seconds(firstTokenMs - readyMs)}`;
}
