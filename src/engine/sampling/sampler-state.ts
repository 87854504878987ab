// What `sample` on the GPU knows of a request: its options and how far it is, as shaders/lib/sampler_state.wgsl has them.
// Owns which requests the GPU can choose for; the others have the sampler in sampler.ts. Knows no buffer.
import {MAX_ALTERNATIVES, MAX_CANDIDATES, MAX_CHANGED_LOGITS} from '../kernels/sample.ts';
import type {SamplerSettings} from './settings.ts';

/**
 * Whether the GPU can choose for a request. Not for top-k above 64 or none, biased logits, penalties by count or over more
 * than `historySize` tokens, or alternatives beside a penalty: they are of the distribution before it.
 */
export function canSampleOnGpu(
  settings: SamplerSettings,
  model: {nVocab: number; nSuppressed: number; historySize: number},
): boolean {
  const {temperature, topK, repetitionPenalty, repetitionWindow, logprobs, topLogprobs} = settings;
  if (settings.frequencyPenalty !== 0 || settings.presencePenalty !== 0 || settings.logitBias.length > 0) return false;
  const penalised = repetitionPenalty !== 1 && repetitionWindow > 0;
  if (model.nSuppressed + model.historySize > MAX_CHANGED_LOGITS) return false;
  if (penalised && (repetitionWindow > model.historySize || (logprobs && topLogprobs > 0))) return false;
  if (temperature === 0 || topK === 1) return topLogprobs <= MAX_ALTERNATIVES;
  return topK > 0 && topK <= MAX_CANDIDATES && topK < model.nVocab;
}

/**
 * Writes a request's state to `words`, u32[SAMPLER_STATE_WORDS], and its history to `ring`, u32[historySize].
 * @param tokens the ids before the next one, oldest first
 */
export function packSamplerState(
  settings: SamplerSettings,
  tokens: readonly number[],
  words: Uint32Array,
  ring: Uint32Array,
): void {
  const {temperature, topK, topP, minP, repetitionPenalty, seed, rngOffset, logprobs, topLogprobs} = settings;
  const window = repetitionPenalty === 1 ? 0 : settings.repetitionWindow;
  const recent = window > 0 ? tokens.slice(-window) : [];
  ring.set(recent);
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  const greedy = temperature === 0 || topK === 1;
  // Far below what f32 could divide by, every temperature takes the likeliest of unequal tokens.
  floats[0] = greedy ? 0 : Math.max(temperature, 1e-20);
  words[1] = greedy ? 1 : topK;
  floats[2] = topP;
  floats[3] = minP;
  floats[4] = window > 0 ? repetitionPenalty : 1;
  words[5] = window;
  words[6] = recent.length;
  words[7] = window > 0 ? recent.length % window : 0;
  words[8] = seed % 2 ** 32;
  words[9] = Math.floor(seed / 2 ** 32);
  words[10] = rngOffset;
  words[11] = logprobs ? 1 + topLogprobs : 0;
}
