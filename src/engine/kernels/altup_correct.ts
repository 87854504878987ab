// Binds shaders/altup_correct.wgsl.
import shader from '../../../shaders/altup_correct.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** The four streams of Gemma 3n after a layer, in place. */
export const altupCorrect = defineKernel(shader, {
  bindings: ['activated', 'coefs', 'scale', 'active_stream', 'others', 'scaled'],
  constants: ['N', 'COEF_SCALE', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});
