// Binds shaders/mul_mat_gelu.wgsl for every weight type. nRows counts what ROWS says. Rows of a multiple of 4 values.
import shader from '../../../shaders/mul_mat_gelu.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';
import {byType, forProduct, type Joining} from './weight-kernels.ts';
import {ROWS_BESIDE} from './weight-layout.ts';
import type {WeightType} from './weight-types.ts';

const X_TILE = 4; // rows of x that one workgroup takes, as in the shader

const bindMulMatGelu = (complete: string) =>
  defineKernel(complete, {
    bindings: ['step', 'x', 'weight', 'up', 'up_offset', 'y'],
    constants: ['WORKGROUP_SIZE', 'TEAM', 'N_IN', 'N_OUT', 'ROW_STRIDE_WORDS', 'ROWS', 'UP_STRIDE'],
    defaults: {ROWS: 0},
    grid: ({nRows}: RowShape, {N_OUT, WORKGROUP_SIZE, TEAM}) =>
      spread(Math.ceil(N_OUT / (ROWS_BESIDE * (WORKGROUP_SIZE / TEAM))), Math.ceil(nRows / X_TILE)),
  });

const variants = {
  shared: byType((type) => forProduct(type, shader, bindMulMatGelu)),
  subgroups: byType((type) => forProduct(type, shader, bindMulMatGelu, {joining: 'subgroups'})),
};

/** mul_mat_gelu_<type>. */
export const mulMatGeluFor = (type: WeightType, joining: Joining = 'shared') => variants[joining][type];
