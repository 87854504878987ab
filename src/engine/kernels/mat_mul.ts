// Binds shaders/mat_mul.wgsl. nRows counts the rows of a step, which ROWS puts in the place of M or K.
import shader from '../../../shaders/mat_mul.wgsl';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** Which size is the number of a step's rows. */
export const MAT_MUL_ROWS = {none: 0, m: 1, k: 2} as const;

/** c (+)= SCALE · a · b in f32, both by strides. */
export const matMul = defineKernel(shader, {
  bindings: ['step', 'a', 'b', 'c'],
  constants: [
    'WORKGROUP_SIZE',
    'M_TILE',
    'N_TILE',
    'DEPTH',
    'M',
    'N',
    'K',
    'A_M',
    'A_K',
    'B_K',
    'B_N',
    'ROWS',
    'PARTS',
    'PART_LENGTH',
    'ACCUMULATE',
    'SCALE',
  ],
  defaults: {ROWS: 0, PARTS: 1, PART_LENGTH: 2 ** 30, ACCUMULATE: 0, SCALE: 1},
  grid: ({nRows}: RowShape, {M, N, M_TILE, N_TILE, ROWS, PARTS}) => [
    nRows === 0 ? 0 : Math.ceil((ROWS === MAT_MUL_ROWS.m ? nRows : M) / M_TILE),
    Math.ceil(N / N_TILE),
    PARTS,
  ],
});
