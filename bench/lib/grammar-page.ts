// The browser's half of bench/grammar.ts: a tokenizer of a real file, and answers under forms, token by token. Bundled into a page; what
// it measures is on globalThis.grammarBench.
import {seededRandom} from '../../scripts/model-files/random.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {AnswerForms, type FormedRequest} from '../../src/grammar/index.ts';
import {blobSource} from '../../src/store/sources/blob-source.ts';
import {createTokenizer} from '../../src/tokenizer/create-tokenizer.ts';
import {inSlices} from '../../src/tokenizer/pieces.ts';
import type {Tokenizer} from '../../src/tokenizer/tokenizer.ts';

export interface WalkFigures {
  /** Milliseconds until the first token may be asked for. */
  readyMs: number;
  /** Microseconds of each token: which are allowed, and that one was taken. */
  tokenUs: number[];
  /** One of the answers. */
  sample: string;
}

const MOST_TOKENS = 200;

let tokenizer: Tokenizer;
let forms: AnswerForms;

/** @returns milliseconds */
async function load(): Promise<{tokenizerMs: number; vocabularyMs: number; tokens: number}> {
  const {files} = document.querySelector('input') as HTMLInputElement;
  const file = (files as FileList)[0];
  const {metadata} = await readGguf(blobSource(file, file.name));
  const start = performance.now();
  tokenizer = createTokenizer(metadata);
  const loaded = performance.now();
  forms = new AnswerForms(tokenizer, inSlices);
  await forms.constrain({response_format: {type: 'regex', regex: 'a'}}, 'none');
  return {tokenizerMs: loaded - start, vocabularyMs: performance.now() - loaded, tokens: tokenizer.vocabSize};
}

/** Some answers under a form, each token one of those allowed: printable ones, as a model prefers them. */
async function walk(request: FormedRequest, answers: number, seed: number): Promise<WalkFigures> {
  const random = seededRandom(seed);
  const start = performance.now();
  let constraint = await forms.constrain(request, 'none');
  if (!constraint) throw new Error('the request asks for no form');
  constraint.allowed();
  const ends = new Set(['<eos>', '<turn|>', '<end_of_turn>'].map((text) => tokenizer.idOf(text)));
  const figures: WalkFigures = {readyMs: performance.now() - start, tokenUs: [], sample: ''};
  for (let answer = 0; answer < answers; answer++) {
    if (answer > 0) constraint = (await forms.constrain(request, 'none'))!;
    const ids: number[] = [];
    while (ids.length < MOST_TOKENS && !constraint.complete) {
      const before = performance.now();
      const mask = constraint.allowed();
      const between = performance.now();
      if (!mask) break;
      const id = choose(mask, random);
      if (id < 0 || ends.has(id)) break;
      const after = performance.now();
      constraint.accept(id);
      figures.tokenUs.push(1000 * (between - before + performance.now() - after));
      ids.push(id);
      // As between two steps: prepared work goes on meanwhile.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    if (answer === 0) figures.sample = tokenizer.decode(ids);
  }
  return figures;
}

/** A token at random among those allowed. -1: none. */
function choose(mask: Uint32Array, {u32}: {u32(): number}): number {
  const words = mask.length;
  const first = u32() % words;
  for (let i = 0; i < words; i++) {
    const word = (first + i) % words;
    const bits = mask[word];
    if (bits === 0) continue;
    const offset = u32() % 32;
    for (let b = 0; b < 32; b++) {
      const bit = (offset + b) % 32;
      if ((bits >>> bit) & 1) return 32 * word + bit;
    }
  }
  return -1;
}

const grammarBench = {load, walk};
export type GrammarBench = typeof grammarBench;
Object.assign(globalThis, {grammarBench});
