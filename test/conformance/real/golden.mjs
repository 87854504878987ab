// transformers' values for the real file (golden.json): forced log-probabilities of texts and greedy answers, float32.
// `npm run conformance -- --real --hf` makes them anew and says how far they are from those that are stored.
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {MODEL_NAME, MODEL_SHA256} from './weights.mjs';

const FILE = fileURLToPath(new URL('golden.json', import.meta.url));
/** Tokens of a greedy answer. */
const ANSWER = 32;

/**
 * @typedef {object} ForcedText
 * @property {string} name
 * @property {number[]} ids bos first
 * @property {number[]} logprobs at i: of ids[i + 1] after ids[0 … i]
 * @property {number[]} first the first choice after ids[0 … i]
 * @property {number[]} margins how far the first choice's logit is above the second's
 *
 * @typedef {object} Answer
 * @property {number[]} ids the prompt, bos first
 * @property {number[]} next the greedy answer
 * @property {number[]} margins
 */

/** @returns {{file: string, sha256: string, texts: ForcedText[], answers: Answer[]}} */
export function readGolden() {
  return JSON.parse(readFileSync(FILE, 'utf8'));
}

/**
 * Asks transformers for all values and stores them.
 * @param ask of openPython
 * @param {{name: string, ids: number[]}[]} texts
 * @param {number[][]} prompts
 * @returns the largest change of a log-probability against the stored ones, or null where there were none
 */
export async function makeGolden(ask, model, texts, prompts) {
  const rounded = (values) => values.map((value) => Number(value.toPrecision(7)));
  const golden = {
    about: 'transformers 5.24.0, torch 2.13.0 on the CPU, Gemma3ForCausalLM from the GGUF in float32',
    file: MODEL_NAME,
    sha256: MODEL_SHA256,
    texts: [],
    answers: [],
  };
  for (const {name, ids} of texts) {
    const positions = Array.from({length: ids.length - 1}, (_, i) => i);
    const {logprobs, first, margins} = await ask({do: 'logprobs', model, tokens: ids, positions});
    golden.texts.push({name, ids, logprobs: rounded(logprobs), first, margins: rounded(margins)});
  }
  for (const ids of prompts) {
    const {ids: next, margins} = await ask({do: 'greedy', model, prompt: ids, count: ANSWER});
    golden.answers.push({ids, next, margins: rounded(margins)});
  }
  let change = null;
  if (existsSync(FILE)) {
    const before = readGolden().texts;
    const differences = golden.texts.flatMap(({logprobs}, t) =>
      logprobs.map((value, i) => Math.abs(value - (before[t]?.logprobs[i] ?? value))),
    );
    change = Math.max(...differences);
  }
  writeFileSync(FILE, `${JSON.stringify(golden)}\n`);
  return change;
}
