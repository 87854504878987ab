// One model before its judges: the engine on a GPU device, the float64 reference, and llama.cpp on the F32 twin, over
// the same forced token ids. Knows no list of models.
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {loadEngine} from '../../src/engine/load-engine.ts';
import {ReferenceModel} from '../../src/engine/reference/forward.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/memory-source.ts';
import {engineLogits} from '../helpers/forced-tokens.ts';
import {compareLogits} from './compare.mjs';
import {LlamaModel} from './llama.mjs';
import {f32Twin} from './twin.mjs';

/** Largest relative rms of the logits. Why these: docs/conformance.md. */
export const TOLERANCE = {
  /** f32 kernels against f64; a random net magnifies a rounding some hundred times. */
  engineToReference: 2e-4,
  /** llama.cpp's GELU is a table of f16 values, which alone costs 0.6e-3 to 1.3e-3 on the generated models. */
  toLlama: 3e-3,
};

/** Calls `use` with the path of a file of these bytes, which is gone afterwards. */
export async function withFile(bytes, use) {
  const folder = mkdtempSync(path.join(tmpdir(), 'gemma-chat-conformance-'));
  try {
    const file = path.join(folder, 'model.gguf');
    writeFileSync(file, bytes);
    return await use(file);
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

/** llama.cpp's logits of every position: f32 keys and values, no flash attention. */
export function llamaLogits(file, tokens) {
  const model = new LlamaModel(file);
  const context = model.context({size: 2 ** Math.ceil(Math.log2(tokens.length + 1))});
  const logits = context.decode(tokens);
  context.free();
  model.free();
  return logits;
}

/**
 * @param bytes a whole GGUF
 * @param suppressed ids that the engine must hold at −Infinity and the other judges do not touch
 * @returns the three comparisons, and llama.cpp's logits
 */
export async function judge(bytes, tokens, device, suppressed = []) {
  const source = memorySource(bytes);
  const file = await readGguf(source);
  const reference = (await ReferenceModel.load(source, file)).logits(tokens);
  const llama = await withFile(await f32Twin(bytes), (twin) => llamaLogits(twin, tokens));
  const engine = await loadEngine(source, file, device, {contextLength: 256});
  let gpu;
  try {
    gpu = await engineLogits(engine, tokens);
  } finally {
    engine.destroy();
  }
  const unsuppressed = gpu.reduce((n, row) => n + suppressed.filter((id) => row[id] !== -Infinity).length, 0);
  const comparisons = {
    engineToReference: compareLogits(gpu, reference, suppressed),
    referenceToLlama: compareLogits(reference, llama, suppressed),
    engineToLlama: compareLogits(gpu, llama, suppressed),
  };
  return {comparisons, llama, misses: missesOf(comparisons, unsuppressed)};
}

/** What went beyond a tolerance, in words. Written so that NaN is a miss. */
function missesOf({engineToReference, referenceToLlama, engineToLlama}, unsuppressed) {
  const misses = [];
  const within = (name, {relativeRms}, tolerance) => {
    if (!(relativeRms <= tolerance)) misses.push(`${name}: relative rms ${relativeRms} is above ${tolerance}`);
  };
  const sameChoice = (name, {wrong, clear}) => {
    if (wrong > 0) misses.push(`${name}: another first choice at ${wrong} of ${clear} clear positions`);
    if (clear === 0) misses.push(`${name}: no position where the first choice is clear`);
  };
  within('engine to reference', engineToReference, TOLERANCE.engineToReference);
  within('reference to llama.cpp', referenceToLlama, TOLERANCE.toLlama);
  within('engine to llama.cpp', engineToLlama, TOLERANCE.toLlama);
  sameChoice('reference to llama.cpp', referenceToLlama);
  sameChoice('engine to llama.cpp', engineToLlama);
  if (unsuppressed > 0) misses.push(`engine: ${unsuppressed} suppressed logits are not −Infinity`);
  return misses;
}
