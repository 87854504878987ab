// Binds shaders/add_scaled_backward.wgsl.
import shader from '../../../shaders/add_scaled_backward.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** The gradient of an input of a scaled sum, added to dx with ACCUMULATE. */
export const addScaledBackward = defineKernel(shader, {
  bindings: ['dy', 'scale', 'dx'],
  constants: ['N', 'X_N', 'ACCUMULATE', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, X_N, WORKGROUP_SIZE}) => elementwise(nRows * (X_N || N), WORKGROUP_SIZE),
});
