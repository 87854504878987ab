// Times an engine: load, prefill and decode at given lengths and batch sizes. Runs wherever there is a GPUDevice.

import type {Engine, EngineOptions, EngineStats, Sequence} from '../../src/engine/engine.ts';
import {engineDefaults} from '../../src/engine/engine-defaults.ts';
import {PLAIN, type Variants} from '../../src/engine/graph/variants.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import type {Choice} from '../../src/engine/sampling/choice.ts';
import {completeSettings} from '../../src/engine/sampling/settings.ts';
import type {ByteSource} from '../../src/gguf/byte-source.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import type {Device} from '../../src/gpu/device.ts';

export interface EngineFigures {
  fileBytes: number;
  weightBytes: number;
  loadMs: number;
  /** Tokens a second by prompt length. */
  prefill: Record<number, number>;
  /** Tokens a second of one sequence by the context it starts at. */
  decode: Record<number, number>;
  /** Tokens a second in sum by number of sequences decoding together, at context 0. */
  batch: Record<number, number>;
  perToken: EngineStats['perToken'];
}

export interface Lengths {
  prompts: number[];
  contexts: number[];
  batches: number[];
  /** Tokens generated for each decode figure. */
  generated: number;
}

/** Those variants on and all others off: `attention,products`; `plain`: none. */
export function variantsNamed(list: string): Variants {
  const names = list.split(',').filter((name) => name !== 'plain');
  const unknown = names.find((name) => !(name in PLAIN));
  if (unknown) throw new Error(`no variant "${unknown}"; expected some of ${Object.keys(PLAIN).join(', ')}`);
  return {...PLAIN, ...Object.fromEntries(names.map((name) => [name, true]))};
}

/** How the worker makes an engine on this device, but for what the command line says. */
export function engineOptions(
  {device, info, limits}: Device,
  {variants, chunk}: {variants?: string; chunk?: string},
): Pick<EngineOptions, 'variants' | 'chunkSize'> {
  const defaults = engineDefaults({info, features: device.features, limits});
  return {
    variants: variants ? variantsNamed(variants) : defaults.variants,
    chunkSize: chunk ? Number(chunk) : defaults.chunkSize,
  };
}

/** Token ids that any model has: the length of a text matters here, not what it says. */
const token = (i: number): number => 600 + ((i * 37) % 150);
export const tokens = (count: number): number[] => Array.from({length: count}, (_, i) => token(i));

/** Appends `count` tokens in chunks; the last one asks for logits, as a prompt's does. */
export async function prefill(engine: Engine, sequence: Sequence, count: number): Promise<void> {
  const all = tokens(count);
  for (let start = 0; start < count; start += engine.chunkSize) {
    const chunk = all.slice(start, start + engine.chunkSize);
    await engine.step([{sequence, tokens: chunk, logits: start + engine.chunkSize >= count ? 'last' : 'none'}]);
  }
}

/** The index of the largest logit: greedy decoding, so that the host's share is as in use. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
  return best;
}

/**
 * Tokens a second of all sequences in sum, with the defaults of a request: the engine chooses where it can, and submits the
 * next step with it; else logits are searched on the CPU.
 */
export async function decode(engine: Engine, sequences: readonly Sequence[], steps: number): Promise<number> {
  let next = sequences.map((_, i) => token(i));
  const start = performance.now();
  for (let step = 0; step < steps; step++) {
    const inputs = sequences.map((sequence, i) => {
      const choice: Choice = {settings: completeSettings({seed: 1, rngOffset: step})};
      return {sequence, tokens: [next[i]], logits: 'last' as const, choice};
    });
    const logits = await engine.step(inputs);
    next = inputs.map(({choice}, i) => choice.sample?.id ?? argmax(logits[i][0]));
  }
  return (1000 * steps * sequences.length) / (performance.now() - start);
}

/** Loads the file and times it. `report` is called with a line as each figure is known. */
export async function measureEngine(
  source: ByteSource,
  device: GPUDevice,
  {prompts, contexts, batches, generated}: Lengths,
  report: (line: string) => void = () => undefined,
  options: Pick<EngineOptions, 'variants' | 'chunkSize'> = {},
): Promise<EngineFigures> {
  const file = await readGguf(source);
  const longest = Math.max(...prompts, ...contexts.map((context) => context + generated), generated) + 1;
  const maxSequences = Math.max(1, ...batches);
  const start = performance.now();
  const engine = await loadEngine(source, file, device, {
    ...options,
    contextLength: longest,
    maxSequences,
    sharePrefixes: false,
  });
  const loadMs = performance.now() - start;
  report(`load ${loadMs.toFixed(0)} ms, ${(source.size / loadMs / 1e6).toFixed(2)} GB/s`);
  const figures: EngineFigures = {
    fileBytes: source.size,
    weightBytes: engine.stats().weightBytes,
    loadMs,
    prefill: {},
    decode: {},
    batch: {},
    perToken: engine.stats().perToken,
  };
  const once = async <T>(count: number, use: (sequence: Sequence) => Promise<T>): Promise<T> => {
    const sequence = engine.createSequence();
    try {
      if (count > 0) await prefill(engine, sequence, count);
      return await use(sequence);
    } finally {
      sequence.free();
    }
  };
  try {
    await once(Math.min(engine.chunkSize, longest - 5), (sequence) => decode(engine, [sequence], 4)); // warm-up
    for (const count of prompts) {
      const before = performance.now();
      await once(count, async () => undefined);
      figures.prefill[count] = (1000 * count) / (performance.now() - before);
      report(`prefill ${count}: ${figures.prefill[count].toFixed(1)} tokens/s`);
    }
    for (const context of contexts) {
      figures.decode[context] = await once(context, (sequence) => decode(engine, [sequence], generated));
      report(`decode at ${context}: ${figures.decode[context].toFixed(1)} tokens/s`);
    }
    figures.perToken = engine.stats().perToken;
    for (const count of batches) {
      const sequences = Array.from({length: count}, () => engine.createSequence());
      figures.batch[count] = await decode(engine, sequences, generated);
      for (const sequence of sequences) sequence.free();
      report(`decode of ${count} together: ${figures.batch[count].toFixed(1)} tokens/s`);
    }
  } finally {
    engine.destroy();
  }
  return figures;
}
