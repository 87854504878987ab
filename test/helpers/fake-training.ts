// Training without a GPU: a real model of one matrix, whose low-rank term learns which token follows which. Losses fall, states
// differ, and what is computed depends on nothing but the state and the batches, as with the real one. A slice a sequence.
import {setImmediate} from 'node:timers';
import type {LowRankFactors} from '../../src/engine/engine.ts';
import {uniform} from '../../src/engine/sampling/random.ts';
import type {
  BatchLoss,
  CreateTraining,
  PlanTraining,
  Training,
  TrainingBatch,
  TrainingOptions,
  TrainingRoom,
  TrainingState,
} from '../../src/engine/training/training.ts';
import {GemmaError} from '../../src/errors.ts';

const TENSOR = 'blk.0.attn_q.weight';
const N_IN = 4;
const N_OUT = 6;

/** What tests do to it. */
export interface FakeGpu {
  /** Awaited before each slice: to hold it, or to make it fail. */
  beforeSlice: (slice: number) => unknown;
  slices: number;
  /** Trainings that hold memory. */
  alive: number;
  created: TrainingOptions[];
  /** Bytes that it says are left. */
  room: number | null;
}

export function fakeGpu(): FakeGpu & {
  planTraining: PlanTraining;
  createTraining: CreateTraining;
  trainingRoom: TrainingRoom;
} {
  const gpu: FakeGpu = {beforeSlice: () => {}, slices: 0, alive: 0, created: [], room: null};
  return Object.assign(gpu, {
    planTraining: ((_file, {rank, batchRows, targets}) => {
      const parts = {factors: 12 * rank * (N_IN + N_OUT) * targets.length, activations: 64 * batchRows};
      return {bytes: parts.factors + parts.activations, parts};
    }) satisfies PlanTraining,
    trainingRoom: () => gpu.room,
    createTraining: (async (_engine, options) => {
      gpu.alive++;
      gpu.created.push(options);
      return new FakeTraining(options, gpu);
    }) satisfies CreateTraining,
  });
}

class FakeTraining implements Training {
  readonly bytes = 1;
  step = 0;
  readonly #gpu: FakeGpu;
  readonly #scale: number;
  readonly #rank: number;
  /** A, then B. */
  readonly #values: Float32Array<ArrayBuffer>[];
  readonly #moments: {first: Float32Array<ArrayBuffer>; second: Float32Array<ArrayBuffer>}[];
  #gradients: Float32Array[];
  #busy = false;
  #destroyed = false;

  constructor({rank, alpha, seed, from}: TrainingOptions, gpu: FakeGpu) {
    this.#gpu = gpu;
    this.#rank = rank;
    this.#scale = alpha / rank;
    const a = from?.[0].a ?? Float32Array.from({length: rank * N_IN}, (_, i) => uniform(seed, i) - 0.5);
    this.#values = [a.slice(), from?.[0].b.slice() ?? new Float32Array(N_OUT * rank)];
    this.#moments = this.#values.map(({length}) => ({
      first: new Float32Array(length),
      second: new Float32Array(length),
    }));
    this.#gradients = this.#values.map(({length}) => new Float32Array(length));
  }

  accumulate(batch: TrainingBatch): AsyncGenerator<void, BatchLoss> {
    return this.#walk(batch, true);
  }

  evaluate(batch: TrainingBatch): AsyncGenerator<void, BatchLoss> {
    return this.#walk(batch, false);
  }

  async update(learningRate: number, weight: number): Promise<{gradientNorm: number}> {
    this.#alone();
    this.step++;
    const gradientNorm = Math.hypot(...this.#gradients.flatMap((values) => [...values])) / weight;
    this.#values.forEach((values, k) => {
      const {first, second} = this.#moments[k];
      values.forEach((_, i) => {
        const gradient = this.#gradients[k][i] / weight;
        first[i] = 0.9 * first[i] + 0.1 * gradient;
        second[i] = 0.999 * second[i] + 0.001 * gradient * gradient;
        const mean = first[i] / (1 - 0.9 ** this.step);
        const spread = Math.sqrt(second[i] / (1 - 0.999 ** this.step));
        values[i] -= (learningRate * mean) / (spread + 1e-8);
      });
    });
    this.#clear();
    return {gradientNorm};
  }

  async state(): Promise<TrainingState> {
    this.#alone();
    const [a, b] = this.#values.map((values) => values.slice());
    const factors: LowRankFactors[] = [{tensor: TENSOR, rank: this.#rank, scale: this.#scale, a, b}];
    const moments = this.#moments.map(({first, second}) => ({first: first.slice(), second: second.slice()}));
    return {step: this.step, factors, moments};
  }

  restore({step, factors, moments}: TrainingState): void {
    this.#alone();
    this.step = step;
    [factors[0].a, factors[0].b].forEach((values, k) => {
      this.#values[k].set(values);
    });
    moments.forEach(({first, second}, k) => {
      this.#moments[k].first.set(first);
      this.#moments[k].second.set(second);
    });
    this.#clear();
  }

  destroy(): void {
    if (!this.#destroyed) this.#gpu.alive--;
    this.#destroyed = true;
  }

  #clear(): void {
    for (const values of this.#gradients) values.fill(0);
  }

  #alone(): void {
    if (this.#busy || this.#destroyed) throw new GemmaError('internal', 'two things at a time, or after the end');
  }

  async *#walk({tokens, starts, labels, weights}: TrainingBatch, learns: boolean): AsyncGenerator<void, BatchLoss> {
    this.#alone();
    this.#busy = true;
    try {
      const sum = {loss: 0, weight: 0};
      for (const [i, start] of starts.entries()) {
        await this.#gpu.beforeSlice(this.#gpu.slices++);
        await new Promise<void>((resolve) => setImmediate(resolve));
        for (let row = start; row < (starts[i + 1] ?? tokens.length); row++) {
          if (weights[row] === 0) continue;
          sum.loss += weights[row] * this.#row(tokens[row], labels[row] % N_OUT, learns ? weights[row] : 0);
          sum.weight += weights[row];
        }
        yield;
      }
      return sum;
    } finally {
      this.#busy = false;
    }
  }

  /** −log p of a label; its gradients, times `weight`, are added up. */
  #row(token: number, label: number, weight: number): number {
    const [a, b] = this.#values;
    const rank = this.#rank;
    const x = Array.from({length: N_IN}, (_, i) => uniform(token, i) * 2 - 1);
    const h = Array.from({length: rank}, (_, r) => x.reduce((sum, value, i) => sum + a[r * N_IN + i] * value, 0));
    const logits = Array.from(
      {length: N_OUT},
      (_, o) => this.#scale * h.reduce((sum, value, r) => sum + b[o * rank + r] * value, 0),
    );
    const total = logits.reduce((sum, value) => sum + Math.exp(value), 0);
    const error = logits.map((value, o) => weight * this.#scale * (Math.exp(value) / total - Number(o === label)));
    const [gradA, gradB] = this.#gradients;
    for (let r = 0; r < rank; r++) {
      const back = error.reduce((sum, value, o) => sum + value * b[o * rank + r], 0);
      for (let i = 0; i < N_IN; i++) gradA[r * N_IN + i] += back * x[i];
      for (let o = 0; o < N_OUT; o++) gradB[o * rank + r] += error[o] * h[r];
    }
    return Math.log(total) - logits[label];
  }
}
