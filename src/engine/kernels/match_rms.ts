// Binds shaders/match_rms.wgsl.
import shader from '../../../shaders/match_rms.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** Scales each vector to the root mean square of its row of the target. */
export const matchRms = defineKernel(shader, {
  bindings: ['x', 'target_rows', 'y'],
  constants: ['N', 'PER_TARGET', 'EPS', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {PER_TARGET}) => spread(nRows * PER_TARGET),
});
