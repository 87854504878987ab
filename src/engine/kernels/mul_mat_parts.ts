// Binds shaders/mul_mat_parts.wgsl for every weight type. nRows counts what ROWS says. Rows of a multiple of 4 values.
import shader from '../../../shaders/mul_mat_parts.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';
import {byType, forProduct, type Joining} from './weight-kernels.ts';
import {ROWS_BESIDE} from './weight-layout.ts';
import type {WeightType} from './weight-types.ts';

const X_TILE = 4; // rows of x that one workgroup takes, as in the shader

const bindMulMatParts = (complete: string) =>
  defineKernel(complete, {
    bindings: ['step', 'x', 'a', 'b', 'c', 'y'],
    constants: ['WORKGROUP_SIZE', 'TEAM', 'N_IN', 'N_OUT', 'ROW_STRIDE_WORDS', 'ROWS', 'QUADS_A', 'QUADS_B', 'QUADS_C'],
    defaults: {ROWS: 0},
    grid: ({nRows}: RowShape, {N_OUT, WORKGROUP_SIZE, TEAM}) =>
      spread(Math.ceil(N_OUT / (ROWS_BESIDE * (WORKGROUP_SIZE / TEAM))), Math.ceil(nRows / X_TILE)),
  });

const variants = {
  shared: byType((type) => forProduct(type, shader, bindMulMatParts)),
  subgroups: byType((type) => forProduct(type, shader, bindMulMatParts, {joining: 'subgroups'})),
};

/** mul_mat_parts_<type>. */
export const mulMatPartsFor = (type: WeightType, joining: Joining = 'shared') => variants[joining][type];
