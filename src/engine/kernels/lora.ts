// Binds shaders/lora.wgsl. nRows counts what ROWS says. Rows of a multiple of 4 values.
import shader from '../../../shaders/lora.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

const WORKGROUP_SIZE = 256; // as in the shader

/** Adds s · B · (A · x) of the low-rank terms that each row uses. */
export const lora = defineKernel(shader, {
  bindings: ['step', 'rows', 'mixes', 'terms', 'factors', 'x', 'y'],
  constants: ['N_IN', 'N_OUT', 'N_TERMS', 'ROWS'],
  defaults: {ROWS: 0},
  grid: ({nRows}: RowShape, {N_OUT}) => spread(Math.ceil(N_OUT / WORKGROUP_SIZE), nRows),
});
