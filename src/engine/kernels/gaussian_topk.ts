// Binds shaders/gaussian_topk.wgsl.
import shader from '../../../shaders/gaussian_topk.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** Gemma 3n's sparse gates. nRows counts rows. */
export const gaussianTopk = defineKernel(shader, {
  bindings: ['x', 'y'],
  constants: ['N', 'KAPPA', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape) => spread(nRows),
});
