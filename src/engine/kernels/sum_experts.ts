// Binds shaders/sum_experts.wgsl.
import shader from '../../../shaders/sum_experts.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** The weighted sum of a row's experts. */
export const sumExperts = defineKernel(shader, {
  bindings: ['step', 'x', 'weights', 'y'],
  constants: ['N', 'USED', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});
