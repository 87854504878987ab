// Binds shaders/add_scaled.wgsl.
import shader from '../../../shaders/add_scaled.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** y = (a + b) · scale. */
export const addScaled = defineKernel(shader, {
  bindings: ['a', 'b', 'scale', 'y'],
  constants: ['N', 'B_N', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});
