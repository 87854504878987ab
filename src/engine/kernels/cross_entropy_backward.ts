// Binds shaders/cross_entropy_backward.wgsl. nRows counts output rows.
import shader from '../../../shaders/cross_entropy_backward.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** Logits of a slice of the vocabulary ← the loss's gradient by them. */
export const crossEntropyBackward = defineKernel(shader, {
  bindings: ['step', 'labels', 'weights', 'sums', 'logits'],
  constants: ['WORKGROUP_SIZE', 'N', 'FIRST', 'SOFTCAP'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});
