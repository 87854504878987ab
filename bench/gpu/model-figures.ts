// Everything that is measured about one model file on one device, in an order that gives the most when time runs out.

import type {Engine, EngineOptions, EngineStats} from '../../src/engine/engine.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import {readConfig} from '../../src/engine/model/config.ts';
import type {ByteSource} from '../../src/gguf/byte-source.ts';
import type {GgufFile} from '../../src/gguf/gguf-file.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {timeLoad} from '../lib/load-times.ts';
import {decode, prefill, tokens} from '../lib/measure.ts';
import type {Floor} from './floor.ts';
import type {RunLengths} from './runs.ts';
import {type HostTimes, type StepTimes, timeHost, timeReadback, timeStep} from './step-times.ts';

export interface ModelFigures {
  name: string;
  fileBytes: number;
  /** Of the file's tensors, by type. */
  bytesByType: Record<string, number>;
  /** Weights that a token's step reads: all but embedding tables of which it reads a row. */
  tokenBytes: number;
  weightBytes: number;
  kvBytes: number;
  scratchBytes: number;
  /** The whole load: header, self-test, upload, compilation. */
  loadMs: number;
  /** First byte to last on the GPU, and bytes a second of it. */
  uploadMs: number;
  uploadGBs: number;
  /** From the last byte on the GPU to the first token: the rest of compiling, the self-test, one step. */
  afterLastByteMs: number;
  /** Tokens a second by prompt length, the last row's logits read back. */
  prefill: Record<string, number>;
  /** Tokens a second of the prompt that takes the sequence from one context to the next: `2048…8192`. */
  extend: Record<string, number>;
  /** Prefill of `prompt` tokens with `chunk` rows a step, in tokens a second. */
  wide: {prompt: number; chunk: number; tokensPerSecond: number} | null;
  /** What a step of this shape costs at least through WebGPU, with four-bit weights; null where it cannot be measured. */
  floor: Floor | null;
  /** Tokens a second by context, logits read back and searched on the CPU. */
  decode: Record<string, number>;
  /** The share of the measured read bandwidth that tokenBytes times decode makes, by context. */
  bandwidthShare: Record<string, number>;
  /** Tokens a second of one-token steps that ask for no logits: head and layers behind the last K/V are left out. */
  noLogits: number | null;
  /** Tokens a second in sum, by sequences that decode together from context 0. */
  batch: Record<string, number>;
  perToken: EngineStats['perToken'] | null;
  host: HostTimes | null;
  /** Of one row of logits. */
  readback: {readbackUs: number; argmaxUs: number} | null;
  /** One decode step by context, and one full chunk of a prompt. */
  steps: Record<string, StepTimes | null>;
  /** What the time did not allow, and why. */
  skipped: string[];
}

export interface Surroundings {
  device: GPUDevice;
  lengths: RunLengths;
  /** Of the roofline, in GB/s. */
  readGBs: number;
  /** How engines are made, beside what a figure needs. */
  engine: Pick<EngineOptions, 'variants' | 'chunkSize'>;
  /** When to be done, on performance.now()'s clock. */
  until: number;
  report: (line: string) => void;
  /** Gets the figures before they are measured: what ends a model early leaves those it had. */
  started: (figures: ModelFigures) => void;
}

export async function measureModel(name: string, source: ByteSource, around: Surroundings): Promise<void> {
  const {device, lengths, report} = around;
  const file = await readGguf(source);
  const figures = emptyFigures(name, file, source.size);
  around.started(figures);
  const [longest] = lengths.contexts.slice(-1);
  const options = {
    ...around.engine,
    contextLength: longest + 2 * lengths.generated + 64,
    maxSequences: 1 + Math.max(...lengths.batches),
  };

  const engine = await load(figures, source, file, device, options);
  report(`load ${figures.loadMs.toFixed(0)} ms, upload ${figures.uploadGBs.toFixed(2)} GB/s`);
  try {
    await measureSteps(engine, figures, around);
    await measureLengths(engine, figures, around);
  } finally {
    engine.destroy();
  }
  await measureWideChunk(source, file, figures, around);
}

async function load(
  figures: ModelFigures,
  source: ByteSource,
  file: GgufFile,
  device: GPUDevice,
  options: EngineOptions,
): Promise<Engine> {
  const {engine, times} = await timeLoad(source, file, device, {...options, sharePrefixes: false});
  const {weightBytes, kvBytes, scratchBytes} = engine.stats();
  figures.loadMs = times.readyMs;
  figures.uploadMs = times.uploadedMs - times.beganMs;
  figures.uploadGBs = weightBytes / figures.uploadMs / 1e6;
  figures.afterLastByteMs = times.firstTokenMs - times.uploadedMs;
  Object.assign(figures, {weightBytes, kvBytes, scratchBytes});
  return engine;
}

/** One step looked at closely: counts, host, GPU by kernel. */
async function measureSteps(engine: Engine, figures: ModelFigures, {device, report}: Surroundings): Promise<void> {
  const chunk = tokens(engine.chunkSize);
  const fromNothing = async (logits: 'last' | 'none'): Promise<void> => {
    const sequence = engine.createSequence();
    await engine.step([{sequence, tokens: chunk, logits}]);
    sequence.free();
  };
  const sequence = engine.createSequence();
  // Warm-up: the first step of each kind.
  await fromNothing('none');
  await decode(engine, [sequence], 4);
  figures.steps.chunk = await timeStep(engine, device, () => fromNothing('last'), 3);
  const one = (logits: 'last' | 'none') => () => engine.step([{sequence, tokens: tokens(1), logits}]);
  figures.steps.decode = await timeStep(engine, device, one('last'));
  figures.host = await timeHost(device, one('last'));
  figures.perToken = engine.stats().perToken;
  const steps = 32;
  const start = performance.now();
  for (let i = 0; i < steps; i++) await one('none')();
  figures.noLogits = (1000 * steps) / (performance.now() - start);
  sequence.free();
  figures.readback = await timeReadback(device, engine.vocabSize);
  const {encodeUs, submitUs, stepUs} = figures.host;
  const gpu = figures.steps.decode?.gpuUs.toFixed(0) ?? '?';
  report(
    `a token: ${stepUs.toFixed(0)} µs: encode ${encodeUs.toFixed(0)}, submit ${submitUs.toFixed(0)}, GPU ${gpu}, read-back ${figures.readback.readbackUs.toFixed(0)}`,
  );
}

/** Prompts, decoding at each context, batches: the context grows, so that no prompt runs twice. */
async function measureLengths(engine: Engine, figures: ModelFigures, around: Surroundings): Promise<void> {
  const {lengths, report, until, readGBs} = around;
  /** Whether work of so many milliseconds fits. */
  const fits = (what: string, ms: number): boolean => {
    const left = until - performance.now();
    if (ms <= left) return true;
    const line = `${what}: needs about ${(ms / 1000).toFixed(0)} s, ${Math.max(0, left / 1000).toFixed(0)} s are left`;
    figures.skipped.push(line);
    report(`skipped ${line}`);
    return false;
  };
  const firstPrompt = figures.steps.chunk ? figures.steps.chunk.sumUs / 1000 / engine.chunkSize : 1;
  let msPerRow = 1.2 * firstPrompt;
  const msPerToken = figures.host!.stepUs / 1000;
  let sequence = engine.createSequence();
  const restart = (): void => {
    sequence.free();
    sequence = engine.createSequence();
  };
  const timed = async (count: number): Promise<number> => {
    const start = performance.now();
    await prefill(engine, sequence, count);
    msPerRow = (performance.now() - start) / count;
    return 1000 / msPerRow;
  };
  const decodeHere = async (context: number) => {
    if (!fits(`decode at ${context}`, lengths.generated * msPerToken)) return;
    const onward = sequence.clone();
    // Warm-up: until JavaScript's compiler and the GPU's clock are at their speed.
    await decode(engine, [onward], lengths.generated);
    onward.truncate(context);
    const speed = await decode(engine, [onward], lengths.generated);
    onward.free();
    figures.decode[context] = speed;
    figures.bandwidthShare[context] = (figures.tokenBytes * speed) / (readGBs * 1e9);
    report(`decode at ${context}: ${speed.toFixed(1)} tokens/s`);
    if (context === 0) return;
    const step = async (): Promise<void> => {
      const next = sequence.clone();
      await engine.step([{sequence: next, tokens: tokens(1), logits: 'last'}]);
      next.free();
    };
    figures.steps[`decode at ${context}`] = await timeStep(engine, around.device, step, 3);
  };

  if (lengths.contexts[0] === 0) await decodeHere(0);
  for (const count of lengths.prompts) {
    if (!fits(`prefill ${count}`, count * msPerRow)) break;
    restart();
    figures.prefill[count] = await timed(count);
    report(`prefill ${count}: ${figures.prefill[count].toFixed(1)} tokens/s`);
  }
  await measureBatches(engine, figures, around, fits);
  for (const context of lengths.contexts) {
    if (context === 0) continue;
    if (sequence.tokens.length > context) restart();
    const from = sequence.tokens.length;
    if (from < context) {
      if (!fits(`prefill from ${from} to ${context}`, 1.5 * (context - from) * msPerRow)) break;
      figures.extend[`${from}…${context}`] = await timed(context - from);
      report(`prefill from ${from} to ${context}: ${figures.extend[`${from}…${context}`].toFixed(1)} tokens/s`);
    }
    await decodeHere(context);
  }
  sequence.free();
}

async function measureBatches(
  engine: Engine,
  figures: ModelFigures,
  {lengths, report}: Surroundings,
  fits: (what: string, ms: number) => boolean,
): Promise<void> {
  let msPerStep = figures.host!.stepUs / 1000;
  for (const count of lengths.batches) {
    if (!fits(`${count} sequences together`, 1.5 * lengths.generated * msPerStep)) break;
    const sequences = Array.from({length: count}, () => engine.createSequence());
    figures.batch[count] = await decode(engine, sequences, lengths.generated);
    for (const sequence of sequences) sequence.free();
    msPerStep = (1000 * count) / figures.batch[count];
    report(`decode of ${count} together: ${figures.batch[count].toFixed(1)} tokens/s`);
  }
}

/** The engine once more, with larger chunks. */
async function measureWideChunk(
  source: ByteSource,
  file: GgufFile,
  figures: ModelFigures,
  {device, lengths, until, report, engine: made}: Surroundings,
): Promise<void> {
  const {widePrompt: prompt, wideChunk: chunk} = lengths;
  const needed = figures.loadMs + (2 * 1000 * prompt) / (figures.prefill[prompt] ?? 0);
  if (!(needed <= until - performance.now())) {
    figures.skipped.push(`prefill ${prompt} in chunks of ${chunk}: no time left`);
    return;
  }
  const options = {...made, contextLength: prompt + 64, chunkSize: chunk, maxSequences: 2, sharePrefixes: false};
  const engine = await loadEngine(source, file, device, options);
  try {
    const warm = engine.createSequence();
    await prefill(engine, warm, Math.min(chunk, prompt));
    warm.free();
    const sequence = engine.createSequence();
    const start = performance.now();
    await prefill(engine, sequence, prompt);
    figures.wide = {prompt, chunk, tokensPerSecond: (1000 * prompt) / (performance.now() - start)};
    report(`prefill ${prompt} in chunks of ${chunk}: ${figures.wide.tokensPerSecond.toFixed(1)} tokens/s`);
  } finally {
    engine.destroy();
  }
}

function emptyFigures(name: string, file: GgufFile, fileBytes: number): ModelFigures {
  const bytesByType: Record<string, number> = {};
  for (const {type, byteLength} of file.tensors.values()) bytesByType[type] = (bytesByType[type] ?? 0) + byteLength;
  const {tensors, tiedHead} = readConfig(file);
  const rowOnly = (tensor: string) =>
    tensor === 'per_layer_token_embd.weight' ||
    tensor === 'rope_freqs.weight' ||
    (tensor === 'token_embd.weight' && !tiedHead);
  const tokenBytes = [...tensors.values()].reduce(
    (sum, tensor) => sum + (rowOnly(tensor.name) ? 0 : tensor.byteLength),
    0,
  );
  return {
    name,
    fileBytes,
    bytesByType,
    tokenBytes,
    weightBytes: 0,
    kvBytes: 0,
    scratchBytes: 0,
    loadMs: 0,
    uploadMs: 0,
    afterLastByteMs: 0,
    uploadGBs: 0,
    prefill: {},
    extend: {},
    wide: null,
    floor: null,
    decode: {},
    bandwidthShare: {},
    noLogits: null,
    batch: {},
    perToken: null,
    host: null,
    readback: null,
    steps: {},
    skipped: [],
  };
}
