// Binds shaders/mul_mat_id.wgsl for every weight type.
import shader from '../../../shaders/mul_mat_id.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';
import {forWeightTypes} from './weight-kernels.ts';

const OUTPUT_TILE = 8; // as in the shader

/** mul_mat_id_<type>, by weight type. */
export const mulMatId = forWeightTypes(
  shader,
  (complete) =>
    defineKernel(complete, {
      bindings: ['step', 'x', 'experts', 'weight', 'y'],
      constants: [
        'N_IN',
        'N_OUT',
        'USED',
        'EXPERT_ROWS',
        'EXPERT_OFFSET',
        'X_PER_EXPERT',
        'FIRST_ROW',
        'N_SLICE_ROWS',
        'ROW_STRIDE_WORDS',
      ],
      defaults: {EXPERT_OFFSET: 0, X_PER_EXPERT: 0, FIRST_ROW: 0},
      grid: ({nRows}: RowShape, {N_OUT, USED}) => spread(Math.ceil(N_OUT / OUTPUT_TILE) * nRows * USED),
    }),
  {loadsRows: true},
);
