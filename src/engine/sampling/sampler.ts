// Chooses the next token from a row of logits. Knows neither the model nor where the logits came from.
//
// Order, as in llama.cpp's default chain: repetition penalty → top-k → top-p → min-p → temperature → draw. top-p and
// min-p look at the probabilities of what top-k left, renormalised, at temperature 1. (Others scale by the temperature
// first; at Gemma's own temperature of 1 the two orders are the same.) Log-probabilities are those of the model,
// before any of it.
import {GemmaError} from '../../errors.ts';
import {badLogits, type LogProbability, logSoftmax} from './log-softmax.ts';
import {randomSeed, uniform} from './random.ts';
import {selectTop} from './select-top.ts';

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
  /** An integer from 0 to 2^53 − 1: same seed, same logits, same tokens. Default: random. */
  seed?: number;
  /** Samples that were taken with this seed before: the next is that one's successor. Default 0. */
  drawn?: number;
  /** Report the chosen token's log-probability. Default false. */
  logprobs?: boolean;
  /** How many alternatives to report with it, 0 to 20. Default 0. */
  topLogprobs?: number;
}

export interface Sample {
  id: number;
  /** ln p of `id` in the model's own distribution; only with `logprobs`. */
  logprob?: number;
  /** The likeliest tokens of that distribution, likeliest first; only with `logprobs`. */
  top?: LogProbability[];
}

export interface Sampler {
  /** The seed in use, chosen or given. */
  readonly seed: number;
  /**
   * @param logits f32[vocabSize] of one row; −Infinity where a token is suppressed. Left as it is.
   * @param history the ids before it, oldest first: what the repetition penalty looks at
   * @throws GemmaError `internal` when a logit is NaN or none is finite
   */
  sample(logits: Float32Array, history?: readonly number[]): Sample;
}

/** @throws GemmaError `option-invalid` */
export function createSampler(options: SamplerOptions = {}): Sampler {
  const temperature = options.temperature ?? 1;
  const topK = options.topK ?? 64;
  const topP = options.topP ?? 0.95;
  const minP = options.minP ?? 0;
  const penalty = options.repetitionPenalty ?? 1;
  const window = options.repetitionWindow ?? 64;
  const seed = options.seed ?? randomSeed();
  const topLogprobs = options.topLogprobs ?? 0;
  check('temperature', temperature, temperature >= 0 && temperature <= 100, 'a number from 0 to 100');
  check('top_k', topK, Number.isSafeInteger(topK) && topK >= 0, 'an integer, 0 or more');
  check('top_p', topP, topP > 0 && topP <= 1, 'a number above 0, at most 1');
  check('min_p', minP, minP >= 0 && minP <= 1, 'a number from 0 to 1');
  check('repetition_penalty', penalty, penalty > 0 && penalty <= 100, 'a number above 0, at most 100');
  check('repetition_window', window, Number.isSafeInteger(window) && window >= 0, 'an integer, 0 or more');
  check('seed', seed, Number.isSafeInteger(seed) && seed >= 0, 'an integer from 0 to 2^53 - 1');
  check('top_logprobs', topLogprobs, Number.isInteger(topLogprobs) && topLogprobs >= 0 && topLogprobs <= 20, '0 to 20');

  let drawn = options.drawn ?? 0;
  let scratch = new Float32Array(0);

  const penalised = (logits: Float32Array, history: readonly number[]): Float32Array => {
    if (penalty === 1 || window === 0 || history.length === 0) return logits;
    if (scratch.length !== logits.length) scratch = new Float32Array(logits.length);
    scratch.set(logits);
    for (const id of new Set(history.slice(-window))) {
      if (id < scratch.length) scratch[id] = scratch[id] > 0 ? scratch[id] / penalty : scratch[id] * penalty;
    }
    return scratch;
  };

  const choose = (logits: Float32Array): number => {
    const best = argMax(logits);
    if (temperature === 0 || topK === 1) return best;
    const random = uniform(seed, drawn++);
    const floor = minP > 0 ? logits[best] + Math.log(minP) : Number.NEGATIVE_INFINITY;
    const ids = topK > 0 && topK < logits.length ? selectTop(logits, topK) : null;
    if (topP < 1) return draw(logits, nucleus(logits, ids, topP), floor, temperature, random);
    return draw(logits, ids, floor, temperature, random);
  };

  return {
    seed,
    sample(logits, history = []) {
      const id = choose(penalised(logits, history));
      if (!options.logprobs) return {id};
      return {id, ...logSoftmax(logits, id, topLogprobs)};
    },
  };
}

/** The likeliest id, the lowest of equal ones. */
function argMax(logits: Float32Array): number {
  let best = -1;
  let max = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) {
    const x = logits[id];
    if (x > max) {
      max = x;
      best = id;
    } else if (Number.isNaN(x)) throw badLogits();
  }
  if (best < 0 || max === Number.POSITIVE_INFINITY) throw badLogits();
  return best;
}

/**
 * The shortest prefix of `sorted` (or of the whole vocabulary, likeliest first) that holds `topP` of the probability.
 * Without top-k the likeliest are selected in growing numbers: a distribution seldom needs more than a few hundred.
 */
function nucleus(logits: Float32Array, sorted: Uint32Array | null, topP: number): Uint32Array {
  let ids = sorted ?? selectTop(logits, 256);
  const max = logits[ids[0]];
  let total = 0;
  if (sorted) for (const id of sorted) total += Math.exp(logits[id] - max);
  else for (let id = 0; id < logits.length; id++) total += Math.exp(logits[id] - max);
  for (;;) {
    let mass = 0;
    for (let i = 0; i < ids.length; i++) {
      mass += Math.exp(logits[ids[i]] - max);
      if (mass >= topP * total) return ids.subarray(0, i + 1);
    }
    if (sorted || ids.length >= logits.length) return ids;
    const more = selectTop(logits, ids.length * 8);
    if (more.length === ids.length) return ids; // the rest is −Infinity
    ids = more;
  }
}

/** Draws from softmax(logits / temperature) over `ids` (null: all) with logits of at least `floor`. */
function draw(
  logits: Float32Array,
  ids: Uint32Array | null,
  floor: number,
  temperature: number,
  random: number,
): number {
  const n = ids ? ids.length : logits.length;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) max = Math.max(max, logits[ids ? ids[i] : i]);
  let total = 0;
  for (let i = 0; i < n; i++) {
    const x = logits[ids ? ids[i] : i];
    if (x >= floor) total += Math.exp((x - max) / temperature);
  }
  let left = random * total;
  let last = -1;
  for (let i = 0; i < n; i++) {
    const id = ids ? ids[i] : i;
    const weight = logits[id] >= floor ? Math.exp((logits[id] - max) / temperature) : 0;
    if (weight === 0) continue;
    last = id;
    left -= weight;
    if (left < 0) return id;
  }
  return last; // rounding left a rest
}

function check(name: string, value: unknown, good: boolean, expected: string): void {
  if (typeof value === 'number' && good) return;
  throw new GemmaError('option-invalid', `${name} is ${String(value)}; expected ${expected}`, {
    detail: {option: name, value: String(value)},
  });
}
