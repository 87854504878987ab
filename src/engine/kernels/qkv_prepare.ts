// Binds shaders/qkv_prepare.wgsl.
import shader from '../../../shaders/qkv_prepare.wgsl';
import {defineKernel, type Grid, type RowShape} from '../../gpu/kernel.ts';

export const qkvPrepare = defineKernel(shader, {
  bindings: ['step', 'rows', 'page_tables', 'q_weight', 'k_weight', 'frequencies', 'qkv', 'keys', 'values'],
  constants: [
    'N_HEAD',
    'N_HEAD_KV',
    'HEAD_DIM',
    'STRIDE',
    'EPS',
    'HEAD_NORMS',
    'NORM_VALUES',
    'VALUES_FROM_KEYS',
    'ROWS',
    'PAGE_SIZE',
  ],
  grid: ({nRows}: RowShape, {N_HEAD, N_HEAD_KV}): Grid => [N_HEAD + 2 * N_HEAD_KV, nRows, 1],
});
