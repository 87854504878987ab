// Binds shaders/geglu_in_place.wgsl.
import shader from '../../../shaders/geglu_in_place.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** y ← gelu(y) ⊙ up. */
export const gegluInPlace = defineKernel(shader, {
  bindings: ['up', 'up_offset', 'y'],
  constants: ['N', 'UP_STRIDE', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});
