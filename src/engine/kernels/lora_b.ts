// Binds shaders/lora_b.wgsl. nRows counts what ROWS says.
import shader from '../../../shaders/lora_b.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** Adds s · B · t of the low-rank terms that each row uses. */
export const loraB = defineKernel(shader, {
  bindings: ['step', 'rows', 'mixes', 'terms', 'factors', 't', 'y'],
  constants: ['WORKGROUP_SIZE', 'GATHER', 'N_OUT', 'N_COLUMNS', 'N_TERMS', 'ROWS'],
  defaults: {ROWS: 0},
  grid: ({nRows}: RowShape, {N_OUT, WORKGROUP_SIZE}) => spread(Math.ceil(N_OUT / WORKGROUP_SIZE), nRows),
});
