// From files to updates: reads the examples, makes tokens of them, splits off those that are only measured, and counts what
// there is. All of it or nothing: the first line that cannot be used ends it. Knows no GPU.
import type {TrainingBatch} from '../../engine/training/training.ts';
import {GemmaError} from '../../errors.ts';
import type {Pieces} from '../../tokenizer/pieces.ts';
import {type BatchOptions, pack, shuffled, Updates} from './batches.ts';
import {badLine, type DataFile, type Example, readExamples} from './examples.ts';
import {rowsOf, type TrainingSequence, toSequences, type Wording} from './sequences.ts';

export interface DataOptions extends Omit<BatchOptions, 'batchRows'> {
  /** Tokens that a sequence has at most. */
  maxLength: number;
  /** Examples that are only measured: a file of them, or a part of the others, 0 to 0.5. */
  validation: DataFile | number;
}

/** What there is to learn from. */
export interface DataCounts {
  examples: number;
  validationExamples: number;
  /** Tokens of the examples that are learned from, once. */
  tokens: number;
  /** Those of them that are learned. */
  answerTokens: number;
  /** Tokens of the longest sequence. */
  longest: number;
  epochs: number;
  /** Updates of all of them. */
  steps: number;
}

export interface PreparedData extends DataCounts {
  readonly updates: Updates;
  readonly validation: readonly TrainingBatch[];
  /** Rows of a batch on the GPU. */
  readonly batchRows: number;
}

/** A batch on the GPU has as many rows, or those of the longest sequence where that is longer. */
const BATCH_ROWS = 512;
/** Examples times epochs: the order of all of them is made before the first update. */
const MAX_ROUNDS = 20_000_000;
/** Of a run. */
export const MAX_STEPS = 100_000;

/** Examples of one of the two files, as sequences by example. */
type Encoded = TrainingSequence[][];

/** @throws GemmaError `training-data-invalid`, `option-invalid` */
export function* prepareData(data: DataFile, wording: Wording, options: DataOptions): Pieces<PreparedData> {
  const {validation: apart, epochs, batchTokens, seed} = options;
  let examples = yield* encodeFile(data, wording, options.maxLength);
  let measured: Encoded = [];
  if (typeof apart !== 'number') measured = yield* encodeFile(apart, wording, options.maxLength);
  else if (apart > 0) {
    // Another order than that of any epoch.
    const order = shuffled(examples, seed, 2 ** 31);
    const count = Math.max(1, Math.floor(order.length * apart));
    if (count >= order.length) {
      throw tooFew(`${data.name} has ${order.length} example; a part of it for validation leaves nothing to learn`);
    }
    measured = order.slice(0, count);
    const taken = new Set(measured);
    examples = examples.filter((example) => !taken.has(example));
  }
  if (examples.length * epochs > MAX_ROUNDS) {
    throw new GemmaError(
      'option-invalid',
      `epochs is ${epochs}; expected at most ${Math.floor(MAX_ROUNDS / examples.length)} with so many examples`,
      {
        detail: {option: 'epochs'},
      },
    );
  }
  yield;
  const sequences = examples.flat();
  const all = [...sequences, ...measured.flat()];
  const longest = all.reduce((most, {tokens}) => Math.max(most, tokens.length), 0);
  const rows = sequences.reduce((sum, sequence) => sum + rowsOf(sequence), 0);
  const batchRows = Math.max(longest - 1, Math.min(BATCH_ROWS, batchTokens, rows));
  const updates = new Updates(sequences, {batchTokens, batchRows, epochs, seed});
  if (updates.steps > MAX_STEPS) {
    throw new GemmaError(
      'option-invalid',
      `there are ${updates.steps} updates; at most ${MAX_STEPS} are made. Raise batchTokens, or lower epochs`,
      {detail: {option: 'epochs', steps: updates.steps}},
    );
  }
  return {
    updates,
    validation: pack(measured.flat(), batchRows),
    batchRows,
    examples: examples.length,
    validationExamples: measured.length,
    tokens: sequences.reduce((sum, {tokens}) => sum + tokens.length, 0),
    answerTokens: sequences.reduce((sum, {learned}) => sum + learned.reduce((ones, one) => ones + one, 0), 0),
    longest,
    epochs,
    steps: updates.steps,
  };
}

function* encodeFile({bytes, name}: DataFile, wording: Wording, maxLength: number): Pieces<Encoded> {
  const encoded: Encoded = [];
  for (const example of yield* readExamples(bytes, name)) {
    encoded.push(encode(example, name, wording, maxLength));
    yield;
  }
  return encoded;
}

function encode(example: Example, name: string, wording: Wording, maxLength: number): TrainingSequence[] {
  if ('messages' in example && !wording.template) {
    throw badLine(name, example.line, 'it has messages, and the model has no chat template; use prompt and completion');
  }
  let sequences: TrainingSequence[];
  try {
    sequences = toSequences(wording, example);
  } catch (error) {
    if (!(error instanceof GemmaError)) throw error;
    throw badLine(name, example.line, error.message);
  }
  for (const {tokens} of sequences) {
    if (tokens.length <= maxLength) continue;
    throw badLine(
      name,
      example.line,
      `it has ${tokens.length} tokens; maxLength is ${maxLength}. Shorten it, or raise maxLength`,
    );
  }
  return sequences;
}

function tooFew(message: string): GemmaError {
  return new GemmaError('training-data-invalid', message);
}
