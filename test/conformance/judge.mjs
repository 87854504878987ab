// One model before its judges: the engine on every adapter, the float64 reference, llama.cpp on the F32 twin and, where
// asked for, wllama's WebGPU backend, over the same forced token ids. Knows no list of models.
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {ReferenceModel} from '../reference/forward.ts';
import {compareLogits} from './compare.mjs';
import {LlamaModel} from './llama.mjs';
import {f32Twin} from './twin.mjs';

/** Largest relative rms of the logits. Why these: docs/conformance.md. */
export const TOLERANCE = {
  /** f32 kernels against f64; a random net magnifies a rounding some hundred times. */
  reference: 2e-4,
  /** llama.cpp's GELU is a table of f16 values, which alone costs 0.6e-3 to 1.3e-3 on the generated models. */
  llama: 3e-3,
  /** Its GPU kernels compute in half precision. */
  wllama: 1e-2,
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
 * @param options.adapters where the engine runs (engines.mjs)
 * @param options.runs how it is fed, by name: {chunks, maxSliceBytes?}
 * @param options.suppressed ids that the engine must hold at −Infinity and the other judges do not touch
 * @returns {{comparisons: Comparison[], llama: Float32Array[], misses: string[]}} a Comparison is {from, to, run, …} with
 *   the figures of compareLogits; `from` is an adapter's name or `reference`
 */
export async function judge(bytes, tokens, {adapters, runs, suppressed = []}) {
  const list = Object.values(runs).map((run) => ({...run, tokens}));
  // A browser works while this process computes the reference.
  const working = Promise.all(adapters.map((adapter) => adapter.logits(bytes, list)));
  working.catch(() => {}); // told below
  const source = memorySource(bytes);
  const reference = (await ReferenceModel.load(source, await readGguf(source))).logits(tokens);
  const llama = await withFile(await f32Twin(bytes), (twin) => llamaLogits(twin, tokens));
  const comparisons = [{from: 'reference', to: 'llama', run: '', ...compareLogits(reference, llama, suppressed)}];
  const misses = [];
  const results = await working;
  for (const [a, adapter] of adapters.entries()) {
    for (const [r, run] of Object.keys(runs).entries()) {
      const rows = results[a][r];
      const loose = rows.reduce((n, row) => n + suppressed.filter((id) => row[id] !== -Infinity).length, 0);
      if (loose > 0) misses.push(`${adapter.name}: ${loose} suppressed logits are not −Infinity`);
      for (const [to, expected] of Object.entries({reference, llama})) {
        comparisons.push({from: adapter.name, to, run, ...compareLogits(rows, expected, suppressed)});
      }
    }
  }
  return {comparisons, llama, misses: [...misses, ...comparisons.flatMap(missesOf)]};
}

/** Beyond this even wllama's own rounding is no reason. */
const WLLAMA_AT_MOST = 2e-2;

/**
 * Whether a distance from wllama is wllama's own: at the very places compared, the engine is where the float64 reference
 * is, and that is as far from wllama. (The reference itself is judged by llama.cpp.)
 */
export function isWllamasOwn({to, relativeRms, engineToReference}) {
  return to === 'wllama' && engineToReference <= TOLERANCE.reference && relativeRms <= WLLAMA_AT_MOST;
}

/** What went beyond a tolerance, in words. Written so that NaN is a miss. */
export function missesOf(comparison) {
  const {from, to, run, relativeRms, wrong, clear} = comparison;
  const name = `${from} to ${to}${run && run !== 'default' ? ` (${run})` : ''}`;
  const misses = [];
  if (!(relativeRms <= TOLERANCE[to]) && !isWllamasOwn(comparison))
    misses.push(`${name}: relative rms ${relativeRms} is above ${TOLERANCE[to]}`);
  if (wrong > 0) misses.push(`${name}: another first choice at ${wrong} of ${clear} clear positions`);
  if (clear === 0) misses.push(`${name}: no position where the first choice is clear`);
  return misses;
}
