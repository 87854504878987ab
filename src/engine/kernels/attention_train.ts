// Binds shaders/attention_train.wgsl.
import shader from '../../../shaders/attention_train.wgsl';
import {defineKernel, type Grid, type RowShape} from '../../gpu/kernel.ts';

/** Attention over the rows of a batch of whole sequences, and the logarithms of its softmaxes' denominators. */
export const attentionTrain = defineKernel(shader, {
  bindings: ['step', 'rows', 'q', 'k', 'v', 'y', 'log_sums'],
  constants: ['N_HEAD', 'N_HEAD_KV', 'BLOCKS', 'QUADS', 'SCALE', 'WINDOW', 'SOFTCAP', 'GROUPS'],
  defaults: {WINDOW: 0, SOFTCAP: 0},
  grid: ({nRows}: RowShape, {N_HEAD, N_HEAD_KV, GROUPS}): Grid => [
    Math.ceil((nRows * N_HEAD) / N_HEAD_KV / (4 * GROUPS)),
    N_HEAD_KV,
    1,
  ],
});
