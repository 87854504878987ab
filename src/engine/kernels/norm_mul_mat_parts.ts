// Binds shaders/norm_mul_mat_parts.wgsl for every weight type. nRows counts what ROWS says. Needs `subgroups`.
import shader from '../../../shaders/norm_mul_mat_parts.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';
import {byType, forProduct} from './weight-kernels.ts';
import {ROWS_BESIDE} from './weight-layout.ts';

const bindNormMulMatParts = (complete: string) =>
  defineKernel(complete, {
    bindings: ['step', 'x', 'weight', 'h', 'scale', 'next_weight', 'a', 'b', 'c', 'sum', 'y'],
    constants: [
      'WORKGROUP_SIZE',
      'TEAM',
      'EPS',
      'N_IN',
      'N_OUT',
      'ROW_STRIDE_WORDS',
      'ROWS',
      'QUADS_A',
      'QUADS_B',
      'QUADS_C',
    ],
    defaults: {ROWS: 0},
    grid: ({nRows}: RowShape, {N_OUT, WORKGROUP_SIZE, TEAM}) =>
      spread(Math.ceil(N_OUT / (ROWS_BESIDE * (WORKGROUP_SIZE / TEAM))), nRows),
  });

/** norm_mul_mat_parts_<type>, by weight type. */
export const normMulMatParts = byType((type) => forProduct(type, shader, bindNormMulMatParts, {joining: 'subgroups'}));
