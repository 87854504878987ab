// Binds shaders/rms_norm.wgsl. nRows counts vectors: rows, or rows · heads.
import shader from '../../../shaders/rms_norm.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** RMSNorm of each vector. nRows counts vectors. */
export const rmsNorm = defineKernel(shader, {
  bindings: ['x', 'weight', 'y'],
  constants: ['N', 'EPS', 'HAS_WEIGHT', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape) => spread(nRows),
});
