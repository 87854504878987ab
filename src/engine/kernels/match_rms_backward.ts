// Binds shaders/match_rms_backward.wgsl.
import shader from '../../../shaders/match_rms_backward.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** The gradients of both inputs of match_rms, the target's added to what it is with ACCUMULATE_TARGET. nRows counts targets. */
export const matchRmsBackward = defineKernel(shader, {
  bindings: ['x', 'target_rows', 'dy', 'dx', 'dtarget'],
  constants: ['N', 'PER_TARGET', 'EPS', 'ACCUMULATE_TARGET', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape) => spread(nRows),
});
