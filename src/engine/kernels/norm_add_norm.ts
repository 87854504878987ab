// Binds shaders/norm_add_norm.wgsl.
import shader from '../../../shaders/norm_add_norm.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

export const normAddNorm = defineKernel(shader, {
  bindings: ['y', 'weight', 'h', 'scale', 'next_weight', 'sum', 'normed'],
  constants: ['N', 'EPS'],
  grid: ({nRows}: RowShape) => spread(nRows),
});
