// Binds shaders/rope_backward.wgsl. Its table is rope's.
import shader from '../../../shaders/rope_backward.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** Rotates each head back by its row's position. */
export const ropeBackward = defineKernel(shader, {
  bindings: ['rows', 'frequencies', 'dy', 'dx'],
  constants: ['N_HEAD', 'HEAD_DIM', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N_HEAD, HEAD_DIM, WORKGROUP_SIZE}) =>
    elementwise((nRows * N_HEAD * HEAD_DIM) / 2, WORKGROUP_SIZE),
});
