// Binds shaders/geglu.wgsl.
import shader from '../../../shaders/geglu.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** y = gelu(gate) ⊙ up. */
export const geglu = defineKernel(shader, {
  bindings: ['gate', 'up', 'up_offset', 'y'],
  constants: ['N', 'UP_STRIDE', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});
