// Binds shaders/altup_correct_backward.wgsl.
import shader from '../../../shaders/altup_correct_backward.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** The gradients of what altup_correct reads: two in place of those of its outputs, and that of the coefficients. */
export const altupCorrectBackward = defineKernel(shader, {
  bindings: ['activated', 'coefs', 'scale', 'active_stream', 'dy_others', 'dactive', 'dactivated', 'dcoefs'],
  constants: ['N', 'COEF_SCALE', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape) => spread(nRows),
});
