// One model before its judges: the engine on every adapter, the float64 reference, and implementations from outside
// (transformers, llama.cpp), over the same forced token ids. Knows no list of models.
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {ReferenceModel} from '../reference/forward.ts';
import {CLEAR_MARGIN, compareLogits} from './compare.mjs';

/** Largest relative rms of the logits. Why these: docs/conformance.md. */
export const TOLERANCE = {
  /** f32 kernels against f64; a random net magnifies a rounding some hundred times. */
  reference: 2e-4,
  /** Two f32 implementations, each about 3e-6 from the float64 reference. */
  transformers: 2e-5,
  /** llama.cpp's GELU is a table of f16 values, which alone costs 0.6e-3 to 1.3e-3 on the generated models. */
  llama: 3e-3,
  /** Its GPU kernels compute in half precision. */
  wllama: 1e-2,
};

/**
 * @param bytes a whole GGUF
 * @param options.adapters where the engine runs (engines.mjs)
 * @param options.runs how it is fed, by name: {chunks, maxSliceBytes?}
 * @param options.judges implementations from outside: {name, logits(bytes, tokens)}
 * @param options.suppressed ids that the engine must hold at −Infinity and the other judges do not touch
 * @param options.engineBytes what the engine is given instead of `bytes`: the same with a fault (faults.mjs)
 * @returns {{comparisons: Comparison[], logits: Record<string, Float32Array[]>, misses: string[]}} a Comparison is
 *   {from, to, run, …} with the figures of compareLogits; `from` is an adapter's name or `reference`; logits by judge
 */
export async function judge(bytes, tokens, {adapters, runs, judges, suppressed = [], engineBytes = bytes}) {
  const list = Object.values(runs).map((run) => ({...run, tokens}));
  // A browser and Python work while this process computes the reference.
  const working = Promise.all(adapters.map((adapter) => adapter.logits(engineBytes, list)));
  const judging = Promise.all(judges.map((each) => each.logits(bytes, tokens)));
  for (const each of [working, judging]) each.catch(() => {}); // told below
  const source = memorySource(bytes);
  const reference = (await ReferenceModel.load(source, await readGguf(source))).logits(tokens);
  const given = await judging;
  const logits = Object.fromEntries(judges.map(({name}, i) => [name, given[i]]));
  const compare = (from, to, run, rows, expected) => ({
    ...{from, to, run},
    ...compareLogits(rows, expected, suppressed, CLEAR_MARGIN[to]),
  });
  const comparisons = Object.entries(logits).map(([to, rows]) => compare('reference', to, '', reference, rows));
  const misses = [];
  const results = await working;
  for (const [a, {name}] of adapters.entries()) {
    for (const [r, run] of Object.keys(runs).entries()) {
      const rows = results[a][r];
      const loose = rows.reduce((n, row) => n + suppressed.filter((id) => row[id] !== -Infinity).length, 0);
      if (loose > 0) misses.push(`${name}: ${loose} suppressed logits are not −Infinity`);
      for (const [to, expected] of Object.entries({reference, ...logits})) {
        comparisons.push(compare(name, to, run, rows, expected));
      }
    }
  }
  return {comparisons, logits, misses: [...misses, ...comparisons.flatMap(missesOf)]};
}

/** Beyond this even wllama's own rounding is no reason. */
const WLLAMA_AT_MOST = 2e-2;

/**
 * Whether a distance from wllama is wllama's own: at the very places compared, the engine is where the float64 reference
 * is, and that is as far from wllama. (The reference itself is judged by transformers and llama.cpp.)
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
