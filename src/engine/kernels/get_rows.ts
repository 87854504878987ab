// Binds shaders/get_rows_<type>.wgsl.

import bf16 from '../../../shaders/get_rows_bf16.wgsl';
import f16 from '../../../shaders/get_rows_f16.wgsl';
import f32 from '../../../shaders/get_rows_f32.wgsl';
import q40 from '../../../shaders/get_rows_q4_0.wgsl';
import q4k from '../../../shaders/get_rows_q4_k.wgsl';
import q6k from '../../../shaders/get_rows_q6_k.wgsl';
import q80 from '../../../shaders/get_rows_q8_0.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';
import type {WeightType} from './weight-types.ts';

const bind = (shader: string) =>
  defineKernel(shader, {
    bindings: ['step', 'rows', 'weight', 'y'],
    constants: ['N', 'ROW_STRIDE_WORDS', 'FIRST_ROW', 'N_SLICE_ROWS', 'SCALE'],
    grid: ({nRows}: RowShape) => spread(nRows),
  });

export type GetRowsKernel = ReturnType<typeof bind>;

/** By weight type. */
export const getRows: Readonly<Record<WeightType, GetRowsKernel>> = {
  F32: bind(f32),
  F16: bind(f16),
  BF16: bind(bf16),
  Q8_0: bind(q80),
  Q4_0: bind(q40),
  Q4_K: bind(q4k),
  Q6_K: bind(q6k),
};
