// Binds shaders/mul_mat_<type>.wgsl. nRows counts what ROWS_FROM says: rows, or outputs.

import bf16 from '../../../shaders/mul_mat_bf16.wgsl';
import f16 from '../../../shaders/mul_mat_f16.wgsl';
import f32 from '../../../shaders/mul_mat_f32.wgsl';
import q40 from '../../../shaders/mul_mat_q4_0.wgsl';
import q4k from '../../../shaders/mul_mat_q4_k.wgsl';
import q6k from '../../../shaders/mul_mat_q6_k.wgsl';
import q80 from '../../../shaders/mul_mat_q8_0.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';
import type {WeightType} from './weight-types.ts';

// As in shaders/lib/mul_mat.wgsl.
const OUTPUT_TILE = 8;
const ROW_TILE = 8;

const bind = (shader: string) =>
  defineKernel(shader, {
    bindings: ['step', 'x', 'weight', 'y'],
    constants: ['N_IN', 'N_SLICE_ROWS', 'FIRST_ROW', 'N_OUT', 'ROW_STRIDE_WORDS', 'ROWS_FROM'],
    grid: ({nRows}: RowShape, {N_SLICE_ROWS}) =>
      spread(Math.ceil(N_SLICE_ROWS / OUTPUT_TILE), Math.ceil(nRows / ROW_TILE)),
  });

export type MulMatKernel = ReturnType<typeof bind>;

/** By weight type. */
export const mulMat: Readonly<Record<WeightType, MulMatKernel>> = {
  F32: bind(f32),
  F16: bind(f16),
  BF16: bind(bf16),
  Q8_0: bind(q80),
  Q4_0: bind(q40),
  Q4_K: bind(q4k),
  Q6_K: bind(q6k),
};
