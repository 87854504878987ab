// Binds shaders/gaussian_topk_backward.wgsl.
import shader from '../../../shaders/gaussian_topk_backward.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** The gradient of gaussian_topk's input. */
export const gaussianTopkBackward = defineKernel(shader, {
  bindings: ['x', 'dy', 'dx'],
  constants: ['N', 'KAPPA', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape) => spread(nRows),
});
