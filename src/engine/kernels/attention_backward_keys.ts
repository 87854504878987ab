// Binds shaders/attention_backward_keys.wgsl.
import shader from '../../../shaders/attention_backward_keys.wgsl';
import {defineKernel, type Grid, type RowShape} from '../../gpu/kernel.ts';

/** The gradients of attention's keys and values, added to what they are where asked; or in PARTS, for sum_parts. */
export const attentionBackwardKeys = defineKernel(shader, {
  bindings: ['step', 'rows', 'q', 'k', 'v', 'dy', 'statistics', 'dk', 'dv'],
  constants: [
    'N_HEAD',
    'N_HEAD_KV',
    'BLOCKS',
    'QUADS',
    'SCALE',
    'WINDOW',
    'SOFTCAP',
    'ACCUMULATE_KEYS',
    'ACCUMULATE_VALUES',
    'PARTS',
    'GROUPS',
  ],
  defaults: {WINDOW: 0, SOFTCAP: 0, ACCUMULATE_KEYS: 0, ACCUMULATE_VALUES: 0, PARTS: 1},
  grid: ({nRows}: RowShape, {N_HEAD_KV, PARTS, GROUPS}): Grid => [Math.ceil(nRows / (4 * GROUPS)), N_HEAD_KV, PARTS],
});
