// Binds shaders/lora_a.wgsl. nRows counts what ROWS says.
import shader from '../../../shaders/lora_a.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** A · x of the low-rank terms that each row uses. */
export const loraA = defineKernel(shader, {
  bindings: ['step', 'rows', 'mixes', 'terms', 'factors', 'x', 't'],
  constants: ['WORKGROUP_SIZE', 'N_IN', 'N_COLUMNS', 'ROWS'],
  defaults: {ROWS: 0},
  grid: ({nRows}: RowShape, {N_COLUMNS}) => spread(N_COLUMNS, nRows),
});
