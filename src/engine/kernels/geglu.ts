// Binds shaders/geglu.wgsl.
import shader from '../../../shaders/geglu.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

export const geglu = defineKernel(shader, {
  bindings: ['gate', 'up', 'y'],
  constants: ['N', 'UP_STRIDE', 'UP_OFFSET', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});
