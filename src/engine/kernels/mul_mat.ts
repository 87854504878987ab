// Binds shaders/mul_mat.wgsl for every weight type. nRows counts the rows that ROWS names.
import shader from '../../../shaders/mul_mat.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';
import {constantIn} from '../../gpu/wgsl.ts';
import {byType, forProduct, type Joining} from './weight-kernels.ts';
import {ROWS_BESIDE} from './weight-layout.ts';
import type {WeightType} from './weight-types.ts';

const ROW_TILE = constantIn(shader, 'ROW_TILE');

const bindMulMat = (complete: string) =>
  defineKernel(complete, {
    bindings: ['step', 'x', 'weight', 'y'],
    constants: ['WORKGROUP_SIZE', 'TEAM', 'N_IN', 'N_SLICE_ROWS', 'FIRST_ROW', 'N_OUT', 'ROW_STRIDE_WORDS', 'ROWS'],
    defaults: {FIRST_ROW: 0, ROWS: 0},
    grid: ({nRows}: RowShape, {N_SLICE_ROWS, WORKGROUP_SIZE, TEAM}) =>
      spread(Math.ceil(N_SLICE_ROWS / (ROWS_BESIDE * (WORKGROUP_SIZE / TEAM))), Math.ceil(nRows / ROW_TILE)),
  });

const variants = {
  shared: byType((type) => forProduct(type, shader, bindMulMat)),
  subgroups: byType((type) => forProduct(type, shader, bindMulMat, {joining: 'subgroups'})),
  anyLength: byType((type) => forProduct(type, shader, bindMulMat, {anyLength: true})),
};

/** mul_mat_<type>, by weight type, for rows of a multiple of 4 values. */
export const mulMat = variants.shared;

/** mul_mat_<type> for rows of `nIn` values. */
export function mulMatFor(type: WeightType, nIn: number, joining: Joining = 'shared') {
  return (nIn % 4 === 0 ? variants[joining] : variants.anyLength)[type];
}
