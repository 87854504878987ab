// Binds shaders/rms_norm_backward.wgsl. nRows counts vectors: rows, or rows · heads.
import shader from '../../../shaders/rms_norm_backward.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** The gradient of an RMSNorm's input, added to dx with ACCUMULATE. nRows counts vectors. */
export const rmsNormBackward = defineKernel(shader, {
  bindings: ['x', 'weight', 'dy', 'dx'],
  constants: ['N', 'EPS', 'HAS_WEIGHT', 'ACCUMULATE', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape) => spread(nRows),
});
