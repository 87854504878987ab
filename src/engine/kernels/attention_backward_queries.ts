// Binds shaders/attention_backward_queries.wgsl.
import shader from '../../../shaders/attention_backward_queries.wgsl';
import {defineKernel, type Grid, type RowShape} from '../../gpu/kernel.ts';

/** The gradient of attention's queries. */
export const attentionBackwardQueries = defineKernel(shader, {
  bindings: ['step', 'rows', 'q', 'k', 'v', 'dy', 'statistics', 'dq'],
  constants: ['N_HEAD', 'N_HEAD_KV', 'BLOCKS', 'QUADS', 'SCALE', 'WINDOW', 'SOFTCAP', 'GROUPS'],
  defaults: {WINDOW: 0, SOFTCAP: 0},
  grid: ({nRows}: RowShape, {N_HEAD, N_HEAD_KV, GROUPS}): Grid => [
    Math.ceil((nRows * N_HEAD) / N_HEAD_KV / (4 * GROUPS)),
    N_HEAD_KV,
    1,
  ],
});
