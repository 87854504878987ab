// Which examples are in which update, and how they lie in its batches. Everything is a function of the examples, the options
// and the number of the update: a run that goes on elsewhere meets the same batches. Knows no model.
import type {TrainingBatch} from '../../engine/training/training.ts';
import {rowsOf, type TrainingSequence} from './sequences.ts';

export interface BatchOptions {
  /** Rows of an update, about: never fewer than one sequence has. */
  batchTokens: number;
  /** Rows of a batch on the GPU: no sequence has more. */
  batchRows: number;
  epochs: number;
  /** An integer from 0 to 2^53 − 1. */
  seed: number;
}

/** The updates of a whole run. */
export class Updates {
  /** Of all epochs. */
  readonly steps: number;
  readonly #sequences: readonly TrainingSequence[];
  readonly #options: BatchOptions;
  /** The first update of each epoch, and the number of all. */
  readonly #starts: number[] = [0];
  #epoch: {number: number; updates: TrainingSequence[][]} | null = null;

  constructor(sequences: readonly TrainingSequence[], options: BatchOptions) {
    this.#sequences = sequences;
    this.#options = options;
    for (let epoch = 0; epoch < options.epochs; epoch++) {
      this.#starts.push(this.#starts[epoch] + this.#updatesOf(epoch).length);
    }
    this.steps = this.#starts[options.epochs];
  }

  /** Updates up to the end of an epoch, counted from 0. */
  endOf(epoch: number): number {
    return this.#starts[epoch + 1];
  }

  /** The batches of update `step`, from 0. */
  batches(step: number): TrainingBatch[] {
    const epoch = this.#starts.findLastIndex((start) => start <= step);
    if (this.#epoch?.number !== epoch) this.#epoch = {number: epoch, updates: this.#updatesOf(epoch)};
    return pack(this.#epoch.updates[step - this.#starts[epoch]], this.#options.batchRows);
  }

  #updatesOf(epoch: number): TrainingSequence[][] {
    const {batchTokens, seed} = this.#options;
    const updates: TrainingSequence[][] = [];
    let room = 0;
    for (const sequence of shuffled(this.#sequences, seed, epoch)) {
      const rows = rowsOf(sequence);
      if (updates.length === 0 || rows > room) {
        updates.push([]);
        room = batchTokens;
      }
      updates.at(-1)!.push(sequence);
      room -= rows;
    }
    return updates;
  }
}

/** Sequences side by side in batches of at most `rows` rows, each in the first that has room for it. */
export function pack(sequences: readonly TrainingSequence[], rows: number): TrainingBatch[] {
  const bins: {sequences: TrainingSequence[]; rows: number}[] = [];
  for (const sequence of sequences) {
    const needed = rowsOf(sequence);
    let bin = bins.find((each) => each.rows + needed <= rows);
    if (!bin) {
      bin = {sequences: [], rows: 0};
      bins.push(bin);
    }
    bin.sequences.push(sequence);
    bin.rows += needed;
  }
  return bins.map((bin) => toBatch(bin.sequences, bin.rows));
}

function toBatch(sequences: readonly TrainingSequence[], rows: number): TrainingBatch {
  const batch = {
    tokens: new Uint32Array(rows),
    starts: [] as number[],
    labels: new Uint32Array(rows),
    weights: new Float32Array(rows),
  };
  let at = 0;
  for (const sequence of sequences) {
    const {tokens, learned} = sequence;
    const length = rowsOf(sequence);
    batch.starts.push(at);
    batch.tokens.set(tokens.subarray(0, length), at);
    batch.labels.set(tokens.subarray(1), at);
    batch.weights.set(learned.subarray(1), at);
    at += length;
  }
  return batch;
}

/** The sequences in an order that depends on seed and epoch alone (Fisher and Yates). */
export function shuffled<T>(values: readonly T[], seed: number, epoch: number): T[] {
  const next = numbers(seed, epoch);
  const order = [...values];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Uniform numbers in [0, 1): "mulberry32" over a mix of all bits of seed and stream. */
function numbers(seed: number, stream: number): () => number {
  let state = 0x9e3779b9;
  for (const word of [seed % 0x1_0000_0000, Math.floor(seed / 0x1_0000_0000), stream]) {
    state = Math.imul(state ^ word, 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    state ^= state >>> 16;
  }
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
