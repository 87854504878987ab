// What chooses tokens from the logits: dispatches that are no part of a forward pass and follow it where a step asks.
import {
  MAX_CHANGED_LOGITS,
  RESULT_WORDS,
  SAMPLER_STATE_WORDS,
  sample,
  sampleBlocks,
  topCandidates,
} from '../kernels/sample.ts';
import type {Activation} from './graph.ts';
import {type Dispatch, dispatchOf, type ScratchTensor, work} from './lowering.ts';

/** Recent tokens that a repetition penalty can see on the GPU. */
export const HISTORY_SIZE = 64;
/** Suppressed tokens that the list on the GPU has room for; where there are fewer, the rest is no token. */
export const MAX_SUPPRESSED = 256;
export const NO_TOKEN = 0xffffffff;

if (HISTORY_SIZE + MAX_SUPPRESSED > MAX_CHANGED_LOGITS)
  throw new RangeError('a block may have more changed logits than fit');

/** What the host writes and reads, each for `maxOutputs` rows. A row's slot is its number. */
export interface SamplingTensors {
  /** u32[maxOutputs] */
  slots: ScratchTensor;
  /** u32[maxOutputs][SAMPLER_STATE_WORDS] */
  states: ScratchTensor;
  /** u32[maxOutputs][HISTORY_SIZE] */
  history: ScratchTensor;
  /** u32[MAX_SUPPRESSED] */
  suppressed: ScratchTensor;
  /** u32[maxOutputs]: the token of each row. */
  chosen: ScratchTensor;
  /** u32[maxOutputs][RESULT_WORDS] */
  results: ScratchTensor;
}

/** From logits f32[maxOutputs][nVocab] to a token a row, and the tensors in between. */
export function samplingDispatches(
  logits: Activation,
  maxOutputs: number,
): {dispatches: Dispatch[]; tensors: SamplingTensors} {
  const scratch = (name: string, words: number): ScratchTensor => ({kind: 'scratch', name, bytes: 4 * words});
  const blocks = sampleBlocks(logits.width);
  const tensors = {
    slots: scratch('sampler slots', maxOutputs),
    states: scratch('sampler states', maxOutputs * SAMPLER_STATE_WORDS),
    history: scratch('recent tokens', maxOutputs * HISTORY_SIZE),
    suppressed: scratch('suppressed tokens', MAX_SUPPRESSED),
    chosen: scratch('chosen tokens', maxOutputs),
    results: scratch('samples', maxOutputs * RESULT_WORDS),
  };
  const {slots, states, history, suppressed, chosen, results} = tensors;
  const candidates = scratch('candidates', maxOutputs * blocks * 128);
  const sums = scratch('sums of logits', maxOutputs * blocks * 2);
  const model = {N_VOCAB: logits.width, HISTORY: HISTORY_SIZE};
  const shared = {step: 'step', outputs: slots, samplers: states, history, candidates, sums, logits} as const;
  const found = work(topCandidates, {...model, N_SUPPRESSED: MAX_SUPPRESSED}, {...shared, suppressed});
  const drawn = work(sample, {...model, N_BLOCKS: blocks}, {...shared, chosen, results});
  return {dispatches: [found, drawn].map((each) => dispatchOf('sample', 'head', each)), tensors};
}
