// An engine whose logits are a function of the tokens its sequence has really run: wrong keys and values, reused or
// mixed up, show as wrong text. Every step lets other tasks run, as a GPU's answer would.
import {setImmediate} from 'node:timers';
import {metadataOf} from '../../scripts/model-files/gguf-writer.ts';
import {tinyTokenizerMetadata} from '../../scripts/model-files/tiny-tokenizer.ts';
import {SequenceAdapters} from '../../src/engine/adapters/sequence-adapters.ts';
import type {
  Engine,
  EngineAdapter,
  EngineStats,
  LowRankFactors,
  Sequence,
  SequenceAdapter,
  StepInput,
} from '../../src/engine/engine.ts';
import {type CachedSequence, KvCache} from '../../src/engine/kv/kv-cache.ts';
import {GemmaError} from '../../src/errors.ts';
import type {GgufFile} from '../../src/gguf/gguf-file.ts';
import {createTokenizer} from '../../src/tokenizer/create-tokenizer.ts';
import type {Tokenizer} from '../../src/tokenizer/tokenizer.ts';

export const VOCAB_SIZE = 704;

let made: Tokenizer | undefined;
/** The tests' tokenizer: small, but a real one with control tokens and a chat template. */
export function tinyTokenizer(): Tokenizer {
  made ??= createTokenizer(metadataOf(tinyTokenizerMetadata(VOCAB_SIZE)));
  return made;
}

export interface FakeAdapter extends EngineAdapter {
  uid: number;
}

export interface FakeEngineOptions {
  contextLength?: number;
  chunkSize?: number;
  /** Sequences that may live at once. */
  maxSequences?: number;
  /** Pages of 32 positions of all sequences together. */
  pages?: number;
  /** The likeliest token after these. Default: some token that depends on all of them. */
  next?: (tokens: readonly number[]) => number;
}

export class FakeEngine implements Engine {
  /** As much of a file as adapters are checked against. */
  readonly file = {
    metadata: metadataOf({'general.architecture': 'gemma4'}),
    tensors: new Map([['blk.0.attn_q.weight', {shape: [4, 6]}]]),
  } as unknown as GgufFile;
  readonly contextLength: number;
  readonly chunkSize: number;
  readonly vocabSize = VOCAB_SIZE;
  readonly readsSource = false;
  /** Loses the device. */
  lose!: (error?: GemmaError) => void;
  readonly lost = new Promise<GemmaError>((resolve) => {
    this.lose = (error = new GemmaError('device-lost', 'the GPU device was lost')) => resolve(error);
  });
  /** Rows and what was asked of them, input by input. */
  readonly steps: {rows: number; logits: StepInput['logits']}[] = [];
  /** Inputs of each step. */
  readonly batches: number[] = [];
  /** Awaited before each step: to hold it, or to make it fail. */
  beforeStep: (step: number) => unknown = () => {};
  destroyed = false;
  readonly cache: KvCache;
  readonly #options: FakeEngineOptions;

  constructor(options: FakeEngineOptions = {}) {
    const {contextLength = 256, chunkSize = 8, maxSequences = 100, pages = 1000} = options;
    this.#options = options;
    this.contextLength = contextLength;
    this.chunkSize = chunkSize;
    this.cache = new KvCache({pages, slidingPages: 0, window: 0, maxSequences, contextLength});
  }

  get alive(): number {
    return this.cache.sequences;
  }

  /** By slot. */
  readonly adapters: (FakeAdapter | undefined)[] = [];
  #loads = 0;

  createSequence(prompt?: readonly number[], adapters: readonly SequenceAdapter[] = []): Sequence {
    const known = (adapter: unknown) => {
      const slot = this.adapters.indexOf(adapter as FakeAdapter);
      if (slot < 0) throw new GemmaError('closed', 'the adapter was unloaded');
      return {slot, key: String(this.adapters[slot]!.uid)};
    };
    const used = adapters.length > 0 ? new SequenceAdapters(adapters, known) : undefined;
    return this.cache.createSequence(prompt, used);
  }

  /** Adapters change what follows by how many were loaded before them, and their scale. */
  async loadAdapter(terms: readonly LowRankFactors[]): Promise<FakeAdapter> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    const bytes = terms.reduce((sum, {a, b}) => sum + a.byteLength + b.byteLength, 0);
    const adapter = {uid: ++this.#loads, dropped: [], bytes};
    const free = this.adapters.indexOf(undefined);
    this.adapters[free < 0 ? this.adapters.length : free] = adapter;
    return adapter;
  }

  async unloadAdapter(adapter: EngineAdapter): Promise<void> {
    const slot = this.adapters.indexOf(adapter as FakeAdapter);
    if (slot >= 0) this.adapters[slot] = undefined;
  }

  /** The likeliest token moves by this much where a sequence uses adapters at its last position. */
  #shift(sequence: Sequence): number {
    const used = (sequence as CachedSequence).adapters as SequenceAdapters | undefined;
    used?.check();
    const uses = used?.usesAt(sequence.tokens.length - 1) ?? [];
    return uses.reduce((sum, {slot, scale}) => sum + Math.round(8 * scale) * this.adapters[slot]!.uid, 0);
  }

  roomFor(sequence: Sequence, positions: number): boolean {
    return this.cache.roomFor(sequence as CachedSequence, positions, this.chunkSize);
  }

  async step(inputs: readonly StepInput[]): Promise<Float32Array[][]> {
    const rows = inputs.reduce((sum, {tokens}) => sum + tokens.length, 0);
    if (rows > this.chunkSize) throw new Error(`${rows} rows in a step`);
    await this.beforeStep(this.batches.length);
    await new Promise<void>((resolve) => setImmediate(resolve));
    const growths = inputs.map(({sequence, tokens}) => ({
      sequence: sequence as CachedSequence,
      positions: tokens.length,
    }));
    this.cache.reserve(growths);
    this.batches.push(inputs.length);
    return inputs.map(({sequence, tokens, logits, into}) => {
      this.steps.push({rows: tokens.length, logits});
      const found: Float32Array[] = [];
      for (const id of tokens) {
        this.cache.append(sequence as CachedSequence, [id]);
        if (logits === 'all') found.push(this.logits(sequence.tokens, this.#shift(sequence)));
      }
      if (logits === 'last') {
        const row = into ?? new Float32Array(VOCAB_SIZE);
        row.set(this.logits(sequence.tokens, this.#shift(sequence)));
        found.push(row);
      }
      return found;
    });
  }

  /** f32[VOCAB_SIZE] after these tokens: one token stands out, the others differ a little. */
  logits(tokens: readonly number[], shift = 0): Float32Array {
    const likeliest = (this.#options.next ?? someToken)(tokens);
    const best = shift === 0 ? likeliest : 300 + ((likeliest + shift) % 150);
    const logits = Float32Array.from({length: VOCAB_SIZE}, (_, id) => 4 - ((id * 7) % 13) / 4);
    logits[best] = 6;
    return logits;
  }

  stats(): EngineStats {
    return {
      weightBytes: 1000,
      adapterBytes: 0,
      kvBytes: 200,
      scratchBytes: 30,
      kvPages: {full: this.cache.counts('full'), sliding: this.cache.counts('sliding')},
      sequences: this.alive,
      perToken: {dispatches: 9, submits: 1, bytesWritten: 48, bytesRead: 4 * VOCAB_SIZE, objectsCreated: 0},
    };
  }

  destroy(): void {
    this.destroyed = true;
  }
}

/** Depends on every token and its place; a normal token, never one that ends an answer. */
export function someToken(tokens: readonly number[]): number {
  let hash = tokens.length;
  for (const id of tokens) hash = (Math.imul(hash, 31) + id) >>> 0;
  return 300 + (hash % 150);
}

/** Greedy ids after a prompt, from a fresh engine's point of view. */
export function continuation(prompt: readonly number[], count: number): number[] {
  const tokens = [...prompt];
  for (let i = 0; i < count; i++) tokens.push(someToken(tokens));
  return tokens.slice(prompt.length);
}

/** After a prompt the engine says `text`, then ends its turn. */
export function says(text: string, end = '<turn|>'): (tokens: readonly number[]) => number {
  const tokenizer = tinyTokenizer();
  const script = [...tokenizer.encode(text, {addBos: false, parseSpecial: true}), tokenizer.idOf(end) as number];
  return (tokens) => {
    for (let said = script.length - 1; said > 0; said--) {
      if (script.slice(0, said).every((id, i) => tokens[tokens.length - said + i] === id)) return script[said];
    }
    return script[0];
  };
}
