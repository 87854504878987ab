// The engine under test on one GPU device: a model's bytes and forced tokens in, logits out. The same in Node and in a
// page. Knows no judge.
import {loadEngine} from '../../src/engine/load-engine.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import type {PipelineCache} from '../../src/gpu/pipelines.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {engineLogits} from '../helpers/forced-tokens.ts';

export interface EngineRun {
  tokens: readonly number[];
  /** Sizes of the steps; the last repeats. */
  chunks: readonly number[];
  maxSliceBytes?: number;
}

/** f32[positions][vocabSize] for every run. The model is loaded once for all that want it cut the same way. */
export async function runEngine(
  device: GPUDevice,
  pipelines: PipelineCache,
  bytes: Uint8Array<ArrayBuffer>,
  runs: readonly EngineRun[],
): Promise<Float32Array[][]> {
  const source = memorySource(bytes);
  const file = await readGguf(source);
  const results: Float32Array[][] = new Array(runs.length);
  for (const maxSliceBytes of new Set(runs.map((run) => run.maxSliceBytes))) {
    const contextLength = Math.max(...runs.map(({tokens}) => tokens.length));
    const engine = await loadEngine(source, file, device, {contextLength, maxSequences: 1, maxSliceBytes, pipelines});
    try {
      for (const [i, run] of runs.entries()) {
        if (run.maxSliceBytes === maxSliceBytes) results[i] = await engineLogits(engine, run.tokens, run.chunks);
      }
    } finally {
      engine.destroy();
    }
  }
  return results;
}
