// Chooses the next token from a row of logits. Knows neither the model nor where the logits came from.
//
// Order, as in llama.cpp's default chain: logit bias → penalties → top-k → top-p → min-p → temperature → draw. top-p and
// min-p look at the probabilities of what top-k left, renormalised, at temperature 1. (Others scale by the temperature
// first; at Gemma's own temperature of 1 the two orders are the same.) Log-probabilities are those of the model,
// before any of it. Frequency and presence penalties are OpenAI's: they count the answer's tokens, not the prompt's.
import {badLogits, type LogProbability, logSoftmax} from './log-softmax.ts';
import {uniform} from './random.ts';
import {selectTop} from './select-top.ts';
import {completeSettings, type SamplerOptions, type SamplerSettings} from './settings.ts';

/** A chosen token, with what was asked for about it. */
export interface Sample {
  id: number;
  /** ln p of `id` in the model's own distribution; only with `logprobs`. */
  logprob?: number;
  /** The likeliest tokens of that distribution, likeliest first; only with `logprobs`. */
  top?: LogProbability[];
}

/** Chooses one token after another with one seed. */
export interface Sampler {
  /** The seed in use, chosen or given. */
  readonly seed: number;
  /** All options as they are now, for a sampler that stands in for this one. */
  readonly settings: SamplerSettings;
  /** Another sampler has taken the next sample with these settings. */
  skip(): void;
  /**
   * @param logits f32[vocabSize] of one row; −Infinity where a token is suppressed. Left as it is.
   * @param history the ids before it, oldest first: what the penalties look at
   * @param allowed the ids to choose from, a bit an id: u32[vocabSize / 32, rounded up]; null: all of them
   * @throws GemmaError `internal` when a logit is NaN or none is finite
   */
  sample(logits: Float32Array, history?: readonly number[], allowed?: Uint32Array | null): Sample;
}

/** @throws GemmaError `option-invalid` */
export function createSampler(options: SamplerOptions = {}): Sampler {
  const settings = completeSettings(options);
  const {temperature, topK, topP, minP, repetitionPenalty: penalty, repetitionWindow: window, seed} = settings;
  const {frequencyPenalty, presencePenalty, answerFrom, logitBias} = settings;
  let {rngOffset} = settings;
  let scratch = new Float32Array(0);

  const repeats = penalty !== 1 && window > 0;
  const counts = frequencyPenalty !== 0 || presencePenalty !== 0;

  const changed = (logits: Float32Array, history: readonly number[]): Float32Array => {
    if (!repeats && !counts && logitBias.length === 0) return logits;
    if (scratch.length !== logits.length) scratch = new Float32Array(logits.length);
    scratch.set(logits);
    for (const [id, bias] of logitBias) scratch[id] += bias;
    for (const id of repeats ? new Set(history.slice(-window)) : []) {
      if (id < scratch.length) scratch[id] = scratch[id] > 0 ? scratch[id] / penalty : scratch[id] * penalty;
    }
    if (!counts) return scratch;
    const said = new Set<number>();
    for (let at = answerFrom; at < history.length; at++) {
      scratch[history[at]] -= frequencyPenalty;
      said.add(history[at]);
    }
    for (const id of said) scratch[id] -= presencePenalty;
    return scratch;
  };

  const masked = (logits: Float32Array, allowed: Uint32Array): Float32Array => {
    if (scratch.length !== logits.length) scratch = new Float32Array(logits.length);
    copyAllowed(logits, allowed, scratch);
    return scratch;
  };

  const greedy = temperature === 0 || topK === 1;

  const choose = (logits: Float32Array): number => {
    const best = argMax(logits);
    if (greedy) return best;
    const random = uniform(seed, rngOffset++);
    const floor = minP > 0 ? logits[best] + Math.log(minP) : Number.NEGATIVE_INFINITY;
    const ids = topK > 0 && topK < logits.length ? selectTop(logits, topK) : null;
    if (topP < 1) return draw(logits, nucleus(logits, ids, topP), floor, temperature, random);
    return draw(logits, ids, floor, temperature, random);
  };

  return {
    seed,
    get settings() {
      return {...settings, rngOffset};
    },
    skip() {
      if (!greedy) rngOffset++;
    },
    sample(logits, history = [], allowed = null) {
      const id = choose(changed(allowed ? masked(logits, allowed) : logits, history));
      if (!settings.logprobs) return {id};
      return {id, ...logSoftmax(logits, id, settings.topLogprobs)};
    },
  };
}

/** Logits of allowed ids, and −Infinity for the others. */
function copyAllowed(logits: Float32Array, allowed: Uint32Array, to: Float32Array): void {
  to.fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < allowed.length; i++) {
    for (let bits = allowed[i]; bits !== 0; bits &= bits - 1) {
      const id = 32 * i + 31 - Math.clz32(bits & -bits);
      if (id < to.length) to[id] = logits[id];
    }
  }
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
 * Without top-k, more and more of the likeliest are selected: a distribution seldom needs more than a few hundred.
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
  return last; // rounding left a remainder
}
