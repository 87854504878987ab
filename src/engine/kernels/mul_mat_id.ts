// Binds shaders/mul_mat_id.wgsl for every weight type.
import shader from '../../../shaders/mul_mat_id.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';
import {byType, forProduct, type Joining} from './weight-kernels.ts';
import {ROWS_BESIDE} from './weight-layout.ts';
import type {WeightType} from './weight-types.ts';

const bindMulMatId = (complete: string) =>
  defineKernel(complete, {
    bindings: ['step', 'x', 'experts', 'weight', 'y'],
    constants: [
      'WORKGROUP_SIZE',
      'TEAM',
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
    grid: ({nRows}: RowShape, {N_OUT, USED, WORKGROUP_SIZE, TEAM}) => {
      // As in the shader.
      const nQuads = Math.floor(N_OUT / ROWS_BESIDE) + 2;
      return spread(Math.ceil(nQuads / (WORKGROUP_SIZE / TEAM)) * nRows * USED);
    },
  });

const variants = {
  shared: byType((type) => forProduct(type, shader, bindMulMatId)),
  subgroups: byType((type) => forProduct(type, shader, bindMulMatId, {joining: 'subgroups'})),
  anyLength: byType((type) => forProduct(type, shader, bindMulMatId, {anyLength: true})),
};

/** mul_mat_id_<type>, by weight type, for rows of a multiple of 4 values. */
export const mulMatId = variants.shared;

/** mul_mat_id_<type> for rows of `nIn` values. */
export function mulMatIdFor(type: WeightType, nIn: number, joining: Joining = 'shared') {
  return (nIn % 4 === 0 ? variants[joining] : variants.anyLength)[type];
}
