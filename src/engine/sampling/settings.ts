// The options of a sampler: their defaults and ranges, once for the sampler on the CPU and that on the GPU.
import {GemmaError} from '../../errors.ts';
import {randomSeed} from './random.ts';

/** How tokens are chosen. Defaults are those of Gemma's own generation_config. */
export interface SamplerOptions {
  /** 0 takes the likeliest token. Default 1. */
  temperature?: number;
  /** Keep the k likeliest tokens; 0 keeps all. Default 64. */
  topK?: number;
  /** Keep the fewest likeliest tokens whose probabilities sum to at least this. Default 0.95; 1 keeps all. */
  topP?: number;
  /** Drop tokens below this share of the likeliest one's probability. Default 0. */
  minP?: number;
  /** Divides positive and multiplies negative logits of recent tokens. Default 1: none. */
  repetitionPenalty?: number;
  /** How many of the last tokens of the history the penalty sees. Default 64. */
  repetitionWindow?: number;
  /** Subtracted from a token's logit for each time it is in the answer, −2 to 2. Default 0. */
  frequencyPenalty?: number;
  /** Subtracted once from the logits of tokens that are in the answer, −2 to 2. Default 0. */
  presencePenalty?: number;
  /** Tokens of the history before the answer: the two penalties above do not count them. Default 0. */
  answerFrom?: number;
  /** Added to the logits of these ids before anything else. Default none. */
  logitBias?: readonly LogitBias[];
  /** An integer from 0 to 2^53 − 1: same seed, same logits, same tokens. Default: random. */
  seed?: number;
  /** Samples taken with this seed before: the next one continues their sequence. Default 0. */
  rngOffset?: number;
  /** Report the chosen token's log-probability. Default false. */
  logprobs?: boolean;
  /** How many alternatives to report with it, 0 to 20. Default 0. */
  topLogprobs?: number;
}

/** A token id, and what is added to its logit. */
export type LogitBias = readonly [id: number, bias: number];

/** Options with nothing left open. */
export type SamplerSettings = Required<SamplerOptions>;

interface Setting {
  /** What a request calls it. */
  name: string;
  fallback(): number;
  accepts(value: number): boolean;
  expected: string;
}

/** One list for all: settings are compared from step to step. */
const NO_BIAS: readonly LogitBias[] = [];

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

function penalty(name: string): Setting {
  const accepts = (value: number): boolean => value >= -2 && value <= 2;
  return {name, fallback: () => 0, accepts, expected: 'a number from -2 to 2'};
}

const SETTINGS: Readonly<Record<Exclude<keyof SamplerOptions, 'logprobs' | 'logitBias'>, Setting>> = {
  temperature: {
    name: 'temperature',
    fallback: () => 1,
    accepts: (value) => value >= 0 && value <= 100,
    expected: 'a number from 0 to 100',
  },
  topK: {name: 'top_k', fallback: () => 64, accepts: isCount, expected: 'an integer, 0 or more'},
  topP: {
    name: 'top_p',
    fallback: () => 0.95,
    accepts: (value) => value > 0 && value <= 1,
    expected: 'a number above 0, at most 1',
  },
  minP: {
    name: 'min_p',
    fallback: () => 0,
    accepts: (value) => value >= 0 && value <= 1,
    expected: 'a number from 0 to 1',
  },
  repetitionPenalty: {
    name: 'repetition_penalty',
    fallback: () => 1,
    accepts: (value) => value > 0 && value <= 100,
    expected: 'a number above 0, at most 100',
  },
  repetitionWindow: {
    name: 'repetition_window',
    fallback: () => 64,
    accepts: isCount,
    expected: 'an integer, 0 or more',
  },
  frequencyPenalty: penalty('frequency_penalty'),
  presencePenalty: penalty('presence_penalty'),
  answerFrom: {name: 'answer_from', fallback: () => 0, accepts: isCount, expected: 'an integer, 0 or more'},
  seed: {name: 'seed', fallback: randomSeed, accepts: isCount, expected: 'an integer from 0 to 2^53 - 1'},
  rngOffset: {name: 'rng_offset', fallback: () => 0, accepts: isCount, expected: 'an integer, 0 or more'},
  topLogprobs: {
    name: 'top_logprobs',
    fallback: () => 0,
    accepts: (value) => Number.isInteger(value) && value >= 0 && value <= 20,
    expected: '0 to 20',
  },
};

/**
 * The options of a request, with the defaults for those left out.
 * @throws GemmaError `option-invalid`
 */
export function completeSettings({logprobs = false, logitBias = NO_BIAS, ...options}: SamplerOptions): SamplerSettings {
  const numbers = Object.entries(SETTINGS).map(([key, {name, fallback, accepts, expected}]) => {
    const value: unknown = options[key as keyof typeof options] ?? fallback();
    if (typeof value === 'number' && accepts(value)) return [key, value];
    throw new GemmaError('option-invalid', `${name} is ${String(value)}; expected ${expected}`, {
      detail: {option: name, value: String(value)},
    });
  });
  return {logprobs, logitBias, ...(Object.fromEntries(numbers) as Omit<SamplerSettings, 'logprobs' | 'logitBias'>)};
}
