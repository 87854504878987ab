// The contract of training as the worker sees it. Knows no file, no template and no message. What fulfils it is
// `index.ts` beside this file, which is loaded when it is needed and stands by itself: an error that it throws is known by
// its `code`, not by its class.
import type {GgufFile} from '../../gguf/gguf-file.ts';
import type {Engine, LowRankFactors} from '../engine.ts';

/** What is trained: low-rank terms on some of a model's matrices. */
export interface TrainingOptions {
  rank: number;
  /** A term's scale is alpha / rank. */
  alpha: number;
  /**
   * Names of matrices without their layer: `attn_q`, `ffn_down`. A layer that has no such matrix, or does not use it (keys
   * and values of layers that read those of another), has no term.
   */
  targets: readonly string[];
  /** Rows of a micro-batch: sequences are packed into it, none is longer. */
  batchRows: number;
  /** Seeds the first values of A, uniform within ±1 / √nIn as PEFT's are (B begins at 0). */
  seed: number;
  /** An adapter to go on from, instead of first values. Same rank, alpha and targets. */
  from?: readonly LowRankFactors[];
  /** AdamW's. Default 0.9. */
  beta1?: number;
  /** Default 0.999. */
  beta2?: number;
  /** Default 1e-8. */
  epsilon?: number;
  /** Decoupled. Default 0. */
  weightDecay?: number;
  /** Gradients are scaled down to this global norm. Default 1; 0: they are not. */
  maxGradientNorm?: number;
  /** Milliseconds of GPU work between two looks at the caller. Default 50. */
  sliceMs?: number;
}

/** Sequences one after the other; none sees another. */
export interface TrainingBatch {
  /** [rows]: at most `batchRows`. */
  readonly tokens: Uint32Array;
  /** Where each sequence begins, the first at 0, ascending. */
  readonly starts: readonly number[];
  /** [rows]: what each row has to predict; ignored where its weight is 0. */
  readonly labels: Uint32Array;
  /** f32[rows]: what each row's loss counts: 1 for answers, 0 for prompts and a sequence's last row. */
  readonly weights: Float32Array;
}

export interface BatchLoss {
  /** Σ weight · −log p(label) */
  readonly loss: number;
  /** Σ weight */
  readonly weight: number;
}

/** Everything that a run has to keep to go on with the same bits. */
export interface TrainingState {
  /** Updates so far. */
  readonly step: number;
  readonly factors: readonly LowRankFactors[];
  /** AdamW's two moments, in the order of `factors`: of a, then of b. */
  readonly moments: readonly {readonly first: Float32Array<ArrayBuffer>; readonly second: Float32Array<ArrayBuffer>}[];
}

/**
 * Trains on the weights of a loaded engine, which goes on answering. Work comes in slices: each `next()` submits about
 * `sliceMs` of GPU work and resolves when it is done, so that the worker's scheduler runs the chats' steps in between.
 * One of accumulate, evaluate, update and state at a time.
 */
export interface Training {
  /** What it holds on the GPU besides the engine. */
  readonly bytes: number;
  /** Updates so far. */
  readonly step: number;
  /**
   * Forward and backward; gradients are added up until `update`. A generator that is left in between (`return`) leaves
   * part of a batch in them: `restore` clears it.
   * @throws GemmaError `option-invalid` for a batch that does not fit, `device-lost`, the source's own where the engine
   *   `readsSource`
   */
  accumulate(batch: TrainingBatch): AsyncGenerator<void, BatchLoss>;
  /** Forward alone. */
  evaluate(batch: TrainingBatch): AsyncGenerator<void, BatchLoss>;
  /**
   * One step of AdamW over gradients divided by `weight` (the sum of all batches'). Clears them. `gradientNorm`: before
   * clipping. One that is no finite number changes nothing but `step`.
   */
  update(learningRate: number, weight: number): Promise<{gradientNorm: number}>;
  /** Reads back. */
  state(): Promise<TrainingState>;
  /** Takes up where another left off, gradients cleared. @throws GemmaError `option-invalid` where the shapes differ */
  restore(state: TrainingState): void;
  /** Gives the GPU's memory back. Idempotent. */
  destroy(): void;
}

/**
 * Bytes that `createTraining` will hold, without making anything. By matrix shapes, targets, rank and rows.
 * @throws GemmaError as createTraining, for a model or options that cannot be
 */
export type PlanTraining = (
  file: GgufFile,
  options: TrainingOptions,
) => {bytes: number; parts: Readonly<Record<string, number>>};

/** Bytes that a training may take beside this engine, as the planner of models guesses; null where nothing is known. */
export type TrainingRoom = (engine: Engine) => number | null;

/**
 * @throws GemmaError `out-of-memory`, `architecture-unsupported` naming the operation that cannot be walked backwards,
 *   `option-invalid`
 */
export type CreateTraining = (engine: Engine, options: TrainingOptions) => Promise<Training>;
