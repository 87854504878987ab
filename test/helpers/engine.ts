// Loads a generated model for a test, beside its float64 judge. Models and judgements are made once a process.
import {expect} from 'chai';
import {GEMMA4_SHAPES, type Gemma4Shape} from '../../scripts/model-files/gemma4-shapes.ts';
import {generateModel, type ModelSpec} from '../../scripts/model-files/model.ts';
import type {EngineOptions, Sequence, StepInput} from '../../src/engine/engine.ts';
import type {GpuEngine} from '../../src/engine/gpu-engine.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import type {ByteSource} from '../../src/gguf/byte-source.ts';
import type {GgufFile} from '../../src/gguf/gguf-file.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {ReferenceModel} from '../reference/forward.ts';
import {pipelinesOf} from './gpu.ts';

/** Every structure of a Gemma 4 in five layers: shared K/V, both kinds of attention, per-layer embeddings. */
export const SMALL: Gemma4Shape = {
  ...GEMMA4_SHAPES.tiny,
  layers: 'SSF SF',
  sharedKvLayers: 2,
  nFf: [256, 256, 256, 512, 512],
  suppressed: [7, 700],
};

/** 70 ids without a pattern: more than a chunk of 64, and four windows of 16. */
export const TOKENS: readonly number[] = Array.from({length: 70}, (_, i) => (i * i * 37 + 11 * i + 2) % 768);

export interface TestModel {
  bytes: Uint8Array;
  source: ByteSource;
  file: GgufFile;
}

const models = new Map<string, Promise<TestModel>>();
const judgements = new Map<string, Promise<Float64Array[]>>();

export function testModel(spec: ModelSpec = {}): Promise<TestModel> {
  const full = {shape: SMALL, ...spec};
  const key = JSON.stringify(full);
  let model = models.get(key);
  if (!model) {
    const bytes = generateModel(full);
    const source = memorySource(bytes);
    model = readGguf(source).then((file) => ({bytes, source, file}));
    models.set(key, model);
  }
  return model;
}

/** The judge's logits of all TOKENS. */
export function judge(spec: ModelSpec = {}): Promise<Float64Array[]> {
  const key = JSON.stringify({shape: SMALL, ...spec});
  let logits = judgements.get(key);
  if (!logits) {
    logits = testModel(spec)
      .then(({source, file}) => ReferenceModel.load(source, file))
      .then((model) => model.logits(TOKENS));
    judgements.set(key, logits);
  }
  return logits;
}

/** Runs `body` with an engine of that model, and frees it whatever happens. */
export async function withEngine<T>(
  device: GPUDevice,
  spec: ModelSpec,
  body: (engine: GpuEngine) => Promise<T>,
  options: EngineOptions = {},
): Promise<T> {
  const {source, file} = await testModel(spec);
  const engine = await loadEngine(source, file, device, {
    contextLength: 128,
    maxSequences: 3,
    pipelines: pipelinesOf(device),
    sharePrefixes: false, // what is computed is tested, not what is found
    ...options,
  });
  try {
    return await body(engine as GpuEngine);
  } finally {
    engine.destroy();
  }
}

/** Feeds tokens in chunks of these sizes (the last repeats) and returns every position's logits. */
export async function feed(
  engine: {step(inputs: readonly StepInput[]): Promise<Float32Array[][]>},
  sequence: Sequence,
  tokens: readonly number[],
  sizes: readonly number[],
): Promise<Float32Array[]> {
  const logits: Float32Array[] = [];
  for (let at = 0, i = 0; at < tokens.length; i++) {
    const size = sizes[Math.min(i, sizes.length - 1)];
    const [rows] = await engine.step([{sequence, tokens: tokens.slice(at, at + size), logits: 'all'}]);
    logits.push(...rows);
    at += size;
  }
  return logits;
}

/**
 * Relative rms over all positions, suppressed tokens left out. 2e-4 is the project's bound for the f32 path: f32 rounding
 * through some hundred operations gives about 3e-6, an approximated function or a half-precision path gives 1e-3.
 */
export function expectLogits(found: readonly Float32Array[], expected: readonly Float64Array[], bound = 2e-4): number {
  expect(found.length, 'positions').to.equal(expected.length);
  let error = 0;
  let total = 0;
  expected.forEach((row, p) => {
    expect(found[p].length, 'vocabulary').to.equal(row.length);
    row.forEach((value, id) => {
      if (found[p][id] === Number.NEGATIVE_INFINITY) return;
      error += (found[p][id] - value) ** 2;
      total += value ** 2;
    });
  });
  const relative = Math.sqrt(error / total);
  expect(relative, 'relative rms').to.be.at.most(bound); // NaN fails too
  return relative;
}

/** Equal bit for bit, position by position. */
export function expectSameLogits(found: readonly Float32Array[], expected: readonly Float32Array[]): void {
  expect(found.length, 'positions').to.equal(expected.length);
  found.forEach((row, p) => {
    const at = row.findIndex((value, id) => value !== expected[p][id]);
    if (at >= 0) expect.fail(`position ${p}, id ${at}: ${row[at]}, expected exactly ${expected[p][at]}`);
  });
}
