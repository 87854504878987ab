// Binds shaders/top_candidates.wgsl and sample.wgsl: a token of each row of logits, chosen on the GPU.
import sampleShader from '../../../shaders/sample.wgsl';
import candidatesShader from '../../../shaders/top_candidates.wgsl';
import {defineKernel, type Grid, type RowShape} from '../../gpu/kernel.ts';
import {constantIn} from '../../gpu/wgsl.ts';

const BLOCK = constantIn(candidatesShader, 'BLOCK');
/** Tokens of a row that can be chosen. */
export const MAX_CANDIDATES = constantIn(candidatesShader, 'CANDIDATES');
/** Suppressed tokens and the penalty's window together. */
export const MAX_CHANGED_LOGITS = constantIn(candidatesShader, 'MAX_CHANGED');
/** u32 of a request's state, lib/sampler_state.wgsl. */
export const SAMPLER_STATE_WORDS = 12;
/** u32 of `results` for a row: id, bad, log-probability, how many alternatives, then (id, log-probability) of each. */
export const RESULT_WORDS = constantIn(sampleShader, 'RESULT');
/** Alternatives that are reported with a token. */
export const MAX_ALTERNATIVES = (RESULT_WORDS - 4) / 2;

/** Blocks of logits that a row is cut into. */
export const sampleBlocks = (nVocab: number): number => Math.ceil(nVocab / BLOCK);

/** nRows counts outputs. */
export const topCandidates = defineKernel(candidatesShader, {
  bindings: ['step', 'logits', 'outputs', 'samplers', 'history', 'suppressed', 'candidates', 'sums'],
  constants: ['N_VOCAB', 'N_SUPPRESSED', 'HISTORY', 'SOFTCAP'],
  defaults: {N_SUPPRESSED: 0, SOFTCAP: 0},
  grid: ({nRows}: RowShape, {N_VOCAB}): Grid => [sampleBlocks(N_VOCAB), nRows, 1],
});

/** nRows counts outputs. */
export const sample = defineKernel(sampleShader, {
  bindings: ['step', 'outputs', 'candidates', 'sums', 'logits', 'samplers', 'history', 'chosen', 'results'],
  constants: ['N_VOCAB', 'N_BLOCKS', 'HISTORY', 'SOFTCAP'],
  defaults: {SOFTCAP: 0},
  grid: ({nRows}: RowShape): Grid => [1, nRows, 1],
});
