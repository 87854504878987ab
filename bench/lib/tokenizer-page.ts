// The browser's half of bench/tokenizer.ts: makes or reads a vocabulary, loads a tokenizer of it, encodes and decodes.
// Bundled into a page; what it measures is on globalThis.tokenizerBench.

import {metadataOf} from '../../scripts/model-files/gguf-writer.ts';
import {seededRandom} from '../../scripts/model-files/random.ts';
import type {Metadata} from '../../src/gguf/metadata.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {blobSource} from '../../src/store/sources/blob-source.ts';
import {createTokenizer} from '../../src/tokenizer/create-tokenizer.ts';
import type {Tokenizer} from '../../src/tokenizer/tokenizer.ts';

/** Gemma 4's sizes. */
const TOKENS = 262_144;
const MERGES = 514_906;
const LONGEST = 16;

export interface SpeedFigures {
  bytes: number;
  tokens: number;
  encodeMs: number[];
  decodeMs: number[];
  roundTrip: boolean;
}

let metadata: Metadata | null = null;
let tokenizer: Tokenizer | null = null;
let text = '';

/**
 * A vocabulary of the real size: tokens grow by joining shorter ones, and every way to join one of two others is a merge
 * until there are as many as in the real file. `▁` stands only at the start, as in the real one.
 */
function synthesize(seed: number): string[] {
  const random = seededRandom(seed);
  const characters = [
    ...'▁\nabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:!?-_()[]{}<>/\\|"\'=+*&%$#@',
    ...Array.from({length: 6000}, (_, i) => String.fromCharCode(0x4e00 + i)),
    ...Array.from({length: 1000}, (_, i) => String.fromCodePoint(0x1f300 + i)),
  ];
  const tokens = ['<pad>', '<eos>', '<bos>', '<unk>', '<|turn>', '<turn|>'];
  const special = tokens.length;
  for (let byte = 0; byte < 256; byte++) tokens.push(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const known = new Set(tokens);
  for (const character of characters) {
    known.add(character);
    tokens.push(character);
  }
  const first = special + 256;
  const merges: string[] = [];
  while (tokens.length < TOKENS) {
    // Squared: mostly early tokens, so that much is built on few, as in a trained vocabulary.
    const pick = () => tokens[first + Math.floor(random.uniform() ** 3 * (tokens.length - first))];
    const [left, right] = [pick(), pick()];
    const joined = left + right;
    if (known.has(joined) || joined.length > LONGEST || right.startsWith('▁') || joined.includes('\n')) continue;
    known.add(joined);
    tokens.push(joined);
    merges.push(`${left} ${right}`);
  }
  for (let i = first; i < tokens.length && merges.length < MERGES; i++) {
    const token = tokens[i];
    for (let cut = 1; cut < token.length && merges.length < MERGES; cut++) {
      const [left, right] = [token.slice(0, cut), token.slice(cut)];
      if (known.has(left) && known.has(right)) merges.push(`${left} ${right}`);
    }
  }
  metadata = metadataOf({
    'tokenizer.ggml.model': 'gemma4',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.token_type': Int32Array.from(tokens, (_, id) => (id < special ? 3 : id < first ? 6 : 1)),
    'tokenizer.ggml.merges': merges,
    'tokenizer.ggml.bos_token_id': 2,
    'tokenizer.ggml.eos_token_id': 1,
  });
  return tokens.slice(first);
}

/** About a megabyte of words of the vocabulary, in lines. */
function write(tokens: readonly string[], seed: number, length: number): string {
  const random = seededRandom(seed);
  const parts: string[] = [];
  for (let size = 0; size < length; ) {
    const token = tokens[Math.floor(random.uniform() ** 2 * tokens.length)].replaceAll('▁', ' ');
    const part = random.uniform() < 0.4 && !token.startsWith(' ') ? ` ${token}` : token;
    parts.push(part);
    size += part.length;
  }
  return parts.join('');
}

async function time(action: () => unknown): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

const bench = {
  /** Prepares a synthetic vocabulary and its text. Returns the counts. */
  synthesize(seed: number, length: number) {
    text = write(synthesize(seed), seed + 1, length);
    return {tokens: TOKENS, merges: metadata!.strings('tokenizer.ggml.merges').length};
  },

  /** Reads the header of the file in the page's input. Returns milliseconds. */
  async readHeader(sample: string) {
    const file = document.querySelector('input')!.files![0];
    text = sample;
    return time(async () => {
      metadata = (await readGguf(blobSource(file, file.name))).metadata;
    });
  },

  /** Makes the tokenizer. Returns milliseconds. */
  load() {
    return time(() => {
      tokenizer = createTokenizer(metadata!);
    });
  },

  /** Forgets it, to measure again. */
  unload() {
    tokenizer = null;
  },

  speed(repetitions: number): SpeedFigures {
    const encodeMs: number[] = [];
    const decodeMs: number[] = [];
    let ids: number[] = [];
    let decoded = '';
    for (let i = 0; i < repetitions; i++) {
      let start = performance.now();
      ids = tokenizer!.encode(text, {addBos: false});
      encodeMs.push(performance.now() - start);
      start = performance.now();
      decoded = tokenizer!.decode(ids);
      decodeMs.push(performance.now() - start);
    }
    const bytes = new TextEncoder().encode(text).length;
    return {bytes, tokens: ids.length, encodeMs, decodeMs, roundTrip: decoded === text.replaceAll('▁', ' ')};
  },

  /** A megabyte of one letter, without any place to cut. Returns milliseconds. */
  oneLetter() {
    return time(() => tokenizer!.encode('a'.repeat(2 ** 20)));
  },
};

export type TokenizerBench = typeof bench;
Object.assign(globalThis, {tokenizerBench: bench});
