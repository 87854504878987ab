// Binds shaders/square_sums.wgsl.
import shader from '../../../shaders/square_sums.wgsl';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** Sums that a run leaves. */
export const SQUARE_SUMS = 256; // as in the shader

/** Partial sums of the squares of all values. */
export const squareSums = defineKernel(shader, {
  bindings: ['x', 'sums'],
  constants: ['WORKGROUP_SIZE', 'SUMS'],
  grid: (_: RowShape, {SUMS}) => [SUMS, 1, 1],
});
