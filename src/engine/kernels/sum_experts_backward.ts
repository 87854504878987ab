// Binds shaders/sum_experts_backward.wgsl.
import shader from '../../../shaders/sum_experts_backward.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** The gradient of what sum_experts adds up. */
export const sumExpertsBackward = defineKernel(shader, {
  bindings: ['weights', 'dy', 'dx'],
  constants: ['N', 'USED', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, USED, WORKGROUP_SIZE}) => elementwise(nRows * USED * N, WORKGROUP_SIZE),
});
