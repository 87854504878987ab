// Binds shaders/norm_add.wgsl. nRows counts vectors.
import shader from '../../../shaders/norm_add.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

export const normAdd = defineKernel(shader, {
  bindings: ['y', 'weight', 'h', 'scale', 'sum'],
  constants: ['N', 'EPS'],
  grid: ({nRows}: RowShape) => spread(nRows),
});
