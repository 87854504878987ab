// Binds shaders/lora_geglu.wgsl. nRows counts what ROWS says. Rows of a multiple of 4 values.
import shader from '../../../shaders/lora_geglu.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

const WORKGROUP_SIZE = 256; // as in the shader

/** y = gelu(gate) ⊙ up, each with the low-rank terms that a row uses. */
export const loraGeglu = defineKernel(shader, {
  bindings: ['step', 'rows', 'mixes', 'terms', 'factors', 'x', 'gate_up', 'y'],
  constants: ['N_IN', 'N', 'N_TERMS', 'ROWS'],
  defaults: {ROWS: 0},
  grid: ({nRows}: RowShape, {N}) => spread(Math.ceil(N / WORKGROUP_SIZE), nRows),
});
