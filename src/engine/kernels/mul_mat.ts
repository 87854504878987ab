// Binds shaders/mul_mat.wgsl for every weight type. nRows counts what ROWS_FROM says: rows, or outputs.
import shader from '../../../shaders/mul_mat.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';
import {forWeightTypes} from './weight-kernels.ts';

// As in the shader.
const OUTPUT_TILE = 16;
const ROW_TILE = 4;

/** mul_mat_<type>, by weight type. */
export const mulMat = forWeightTypes(
  shader,
  (complete) =>
    defineKernel(complete, {
      bindings: ['step', 'x', 'weight', 'y'],
      constants: ['N_IN', 'N_SLICE_ROWS', 'FIRST_ROW', 'N_OUT', 'ROW_STRIDE_WORDS', 'ROWS_FROM'],
      defaults: {FIRST_ROW: 0, ROWS_FROM: 0},
      grid: ({nRows}: RowShape, {N_SLICE_ROWS}) =>
        spread(Math.ceil(N_SLICE_ROWS / OUTPUT_TILE), Math.ceil(nRows / ROW_TILE)),
    }),
  {loadsRows: true},
);
