// What a page asks about training, and what it is told: plain data of the requests of type `train`. The part of the worker that
// trains checks what it is asked; it is loaded when it is needed.
import type {WireError} from '../errors.ts';
import {type Check, isCount, isNumber, isString, oneOf} from './check.ts';
import type {AdapterRef} from './messages.ts';
import type {OptionSpecs} from './options.ts';

/** Examples as JSONL. `url`: absolute. */
export type TrainingFile = {blob: Blob; name: string} | {url: string};

/** How to train. A field that is left out has the default that `TRAINING_DEFAULTS` says. */
export interface TrainingSettings {
  /** For people. Default: the data's name. */
  name?: string;
  rank?: number;
  /** The adapter's scale is alpha / rank. Default: twice the rank. */
  alpha?: number;
  /** Names of matrices without their layer. */
  targets?: readonly string[];
  epochs?: number;
  learningRate?: number;
  schedule?: 'constant' | 'linear' | 'cosine';
  /** Part of all updates in which the rate rises to its full value, 0 to 1. */
  warmup?: number;
  /** Tokens of an update, about. */
  batchTokens?: number;
  /** Tokens that an example may have at most; a longer one is refused by its line. */
  maxLength?: number;
  /** Part of the examples that is only measured, 0 to 0.5. */
  validationPart?: number;
  seed?: number;
  weightDecay?: number;
  /** Bytes on the GPU that training may take. Default: what the GPU is assumed to have left. */
  memoryBudget?: number;
}

/** What is trained where nothing else is said. `maxLength` is the model's context where that is shorter. */
export const TRAINING_DEFAULTS = {
  rank: 16,
  targets: ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'],
  epochs: 3,
  learningRate: 2e-4,
  schedule: 'cosine',
  warmup: 0.05,
  batchTokens: 1024,
  maxLength: 512,
  validationPart: 0,
  seed: 0,
  weightDecay: 0,
} as const;

const within =
  (from: number, to: number): Check =>
  (value) =>
    isNumber(value) && (value as number) >= from && (value as number) <= to;
const whole =
  (from: number, to: number): Check =>
  (value) =>
    isCount(value) && within(from, to)(value);

export const trainingOptions: OptionSpecs<TrainingSettings> = {
  name: {check: (value) => isString(value) && (value as string).length <= 200, expected: 'up to 200 characters'},
  rank: {check: whole(1, 256), expected: 'an integer from 1 to 256'},
  alpha: {check: within(1e-3, 1e4), expected: 'a number from 0.001 to 10000'},
  targets: {
    check: (value) =>
      Array.isArray(value) && value.length > 0 && value.length <= 32 && value.every((name) => /^\w{1,40}$/.test(name)),
    expected: 'names of matrices without their layer, as attn_q or ffn_down',
  },
  epochs: {check: whole(1, 1e6), expected: 'an integer, 1 or more'},
  learningRate: {check: within(1e-9, 1), expected: 'a number above 0, at most 1'},
  schedule: {check: oneOf('constant', 'linear', 'cosine'), expected: 'constant, linear or cosine'},
  warmup: {check: within(0, 1), expected: 'a number from 0 to 1'},
  batchTokens: {check: whole(1, 2 ** 20), expected: 'an integer from 1 to 1048576'},
  maxLength: {check: whole(2, 2 ** 20), expected: 'an integer, 2 or more'},
  validationPart: {check: within(0, 0.5), expected: 'examples, or a part of them from 0 to 0.5'},
  seed: {check: whole(0, Number.MAX_SAFE_INTEGER), expected: 'an integer from 0 to 2^53 - 1'},
  weightDecay: {check: within(0, 1), expected: 'a number from 0 to 1'},
  memoryBudget: {check: isCount, expected: 'bytes, 0 or more'},
};

/** What a page asks. `run`: the id of a training. */
export type TrainingAsk =
  | ({act: 'plan'} & TrainingJob)
  /** Begins, or goes on with the same training where it is kept. */
  | ({act: 'start'} & TrainingJob)
  /** Goes on with one that is kept or paused. */
  | {act: 'open'; run: string}
  /** Answered as soon as there are more than `after` updates, or another state than `known`. Fails as the training did. */
  | {act: 'watch'; run: string; after: number; known: TrainingStatus | null}
  | {act: 'pause'; run: string}
  /** Keeps its state, and takes nothing of the GPU any more. */
  | {act: 'rest'; run: string}
  /** Nothing stays of it. */
  | {act: 'cancel'; run: string}
  | {act: 'export'; run: string; format: ExportFormat}
  /** From an adapter that was exported as GGUF. */
  | {act: 'convert'; file: Blob; name: string}
  | {act: 'list'};

export interface TrainingJob {
  data: TrainingFile;
  validation?: TrainingFile;
  /** An adapter to go on from: its files, or the id of one that is loaded. */
  from?: AdapterRef | string;
  settings: TrainingSettings;
}

/** `gguf`: one file. `peft`: a ZIP archive of `adapter_model.safetensors` and `adapter_config.json`. */
export type ExportFormat = 'gguf' | 'peft';

/** Factors as they are after an update. */
export interface ExportedAdapter {
  blob: Blob;
  /** Updates before it. */
  step: number;
}

/** What a training will take, before it begins. */
export interface TrainingPlan {
  /** Bytes on the GPU beside the model, and what they are for. */
  bytes: number;
  parts: Record<string, number>;
  /** Bytes that may be taken; null where nothing is known. */
  budget: number | null;
  examples: number;
  validationExamples: number;
  /** Tokens of the examples that are learned from, once. */
  tokens: number;
  /** Those of them that are learned: the answers'. */
  answerTokens: number;
  /** Tokens of the longest example. */
  longest: number;
  /** Updates of all epochs. */
  steps: number;
}

/** `interrupted`: kept, and no worker is at it. */
export type TrainingStatus = 'running' | 'paused' | 'interrupted' | 'finished' | 'failed' | 'cancelled';

/** One training. */
export interface TrainingInfo {
  /** The same data and options with the same model have the same id. */
  id: string;
  name: string;
  status: TrainingStatus;
  /** Updates so far. */
  step: number;
  steps: number;
  /** Milliseconds since 1970. */
  created: number;
  plan: TrainingPlan;
}

/** One update. */
export interface TrainingPoint {
  /** From 1. */
  step: number;
  /** Mean of −log p over the answers' tokens of this update, before it. */
  loss: number;
  /** The same of the examples that are only measured, after it; null where it was not measured. */
  validationLoss: number | null;
  learningRate: number;
  /** Of prompts and answers, since training last began or went on; 0 for updates before that. */
  tokensPerSecond: number;
  secondsLeft: number;
}

export interface TrainingNews {
  status: TrainingStatus;
  /** Those after the ones that the page has, up to 4,096. */
  points: TrainingPoint[];
  /** Why the last state could not be kept; training goes on. */
  notKept: WireError | null;
}

/** What comes back, by what was asked. */
export interface TrainingAnswers {
  plan: TrainingPlan;
  start: TrainingInfo;
  open: TrainingInfo;
  watch: TrainingNews;
  pause: undefined;
  rest: undefined;
  cancel: undefined;
  export: ExportedAdapter;
  convert: Blob;
  list: TrainingInfo[];
}
