// An engine whose logits are a function of the tokens its sequence has really run: wrong keys and values, reused or
// mixed up, show as wrong text. Every step lets other tasks run, as a GPU's answer would.
import type {Engine, EngineStats, Sequence, StepInput} from '../../src/engine/engine.ts';
import {GemmaError} from '../../src/errors.ts';
import type {GgufFile} from '../../src/gguf/gguf-file.ts';
import {createTokenizer} from '../../src/tokenizer/create-tokenizer.ts';
import type {Tokenizer} from '../../src/tokenizer/tokenizer.ts';
import {metadataOf} from '../fixtures/gguf-writer.ts';
import {tinyTokenizerMetadata} from '../fixtures/tiny-tokenizer.ts';

export const VOCAB_SIZE = 704;

let made: Tokenizer | undefined;
/** The tests' tokenizer: small, but a real one with control tokens and a chat template. */
export function tinyTokenizer(): Tokenizer {
  made ??= createTokenizer(metadataOf(tinyTokenizerMetadata(VOCAB_SIZE)));
  return made;
}

export interface FakeEngineOptions {
  contextLength?: number;
  chunkSize?: number;
  /** Sequences that may live at once. */
  maxSequences?: number;
  /** Positions of all sequences together. */
  maxPositions?: number;
  /** The likeliest token after these. Default: some token that depends on all of them. */
  next?: (tokens: readonly number[]) => number;
}

class FakeSequence implements Sequence {
  tokens: number[] = [];
  freed = false;

  truncate(length: number): void {
    this.tokens.length = Math.min(length, this.tokens.length);
  }

  free(): void {
    if (this.freed) throw new Error('freed twice');
    this.freed = true;
    this.tokens = [];
  }
}

export class FakeEngine implements Engine {
  readonly file = {} as GgufFile;
  readonly contextLength: number;
  readonly chunkSize: number;
  readonly vocabSize = VOCAB_SIZE;
  readonly readsSource = false;
  /** Rows and what was asked of them, step by step. */
  readonly steps: {rows: number; logits: StepInput['logits']}[] = [];
  /** Awaited before each step: to hold it, or to make it fail. */
  beforeStep: (step: number) => unknown = () => {};
  destroyed = false;
  readonly #options: FakeEngineOptions;
  readonly #sequences = new Set<FakeSequence>();

  constructor(options: FakeEngineOptions = {}) {
    this.#options = options;
    this.contextLength = options.contextLength ?? 256;
    this.chunkSize = options.chunkSize ?? 8;
  }

  get alive(): number {
    return this.#live().length;
  }

  createSequence(): Sequence {
    if (this.alive >= (this.#options.maxSequences ?? 100)) throw new GemmaError('out-of-memory', 'all are in use');
    const sequence = new FakeSequence();
    this.#sequences.add(sequence);
    return sequence;
  }

  async step(inputs: readonly StepInput[]): Promise<Float32Array[][]> {
    const [input] = inputs;
    const sequence = input.sequence as FakeSequence;
    if (sequence.freed) throw new Error('a step with a freed sequence');
    if (input.tokens.length > this.chunkSize) throw new Error(`${input.tokens.length} rows in a step`);
    await this.beforeStep(this.steps.length);
    await new Promise<void>((resolve) => setImmediate(resolve));
    const held = this.#live().reduce((sum, {tokens}) => sum + tokens.length, 0);
    if (held + input.tokens.length > (this.#options.maxPositions ?? Number.POSITIVE_INFINITY)) {
      throw new GemmaError('out-of-memory', 'no page is free');
    }
    if (sequence.tokens.length + input.tokens.length > this.contextLength) {
      throw new GemmaError('context-overflow', 'the sequence is full');
    }
    this.steps.push({rows: input.tokens.length, logits: input.logits});
    const rows: Float32Array[] = [];
    for (const id of input.tokens) {
      sequence.tokens.push(id);
      if (input.logits === 'all') rows.push(this.logits(sequence.tokens));
    }
    if (input.logits === 'last') rows.push(this.logits(sequence.tokens));
    return [rows];
  }

  /** f32[VOCAB_SIZE] after these tokens: one token stands out, the others differ a little. */
  logits(tokens: readonly number[]): Float32Array {
    const best = (this.#options.next ?? someToken)(tokens);
    const logits = Float32Array.from({length: VOCAB_SIZE}, (_, id) => 4 - ((id * 7) % 13) / 4);
    logits[best] = 6;
    return logits;
  }

  stats(): EngineStats {
    const kvPagesUsed = this.#live().reduce((sum, {tokens}) => sum + Math.ceil(tokens.length / 32), 0);
    return {
      weightBytes: 1000,
      kvBytes: 200,
      scratchBytes: 30,
      kvPagesUsed,
      kvPages: 64,
      sequences: this.alive,
      perToken: {dispatches: 9, submits: 1, bytesWritten: 48, bytesRead: 4 * VOCAB_SIZE, objectsCreated: 0},
    };
  }

  destroy(): void {
    this.destroyed = true;
  }

  #live(): FakeSequence[] {
    return [...this.#sequences].filter(({freed}) => !freed);
  }
}

/** Depends on every token and its place; a normal token, never one that ends an answer. */
export function someToken(tokens: readonly number[]): number {
  let hash = tokens.length;
  for (const id of tokens) hash = (Math.imul(hash, 31) + id) >>> 0;
  return 300 + (hash % 150);
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
