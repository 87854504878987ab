// Binds shaders/altup_predict_backward.wgsl.
import shader from '../../../shaders/altup_predict_backward.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** The gradients of Gemma 3n's four streams before they were mixed, and of the coefficients. */
export const altupPredictBackward = defineKernel(shader, {
  bindings: ['coefs', 'active_stream', 'others', 'dy_active', 'dy_others', 'dactive', 'dothers', 'dcoefs'],
  constants: ['N', 'COEF_SCALE', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape) => spread(nRows),
});
