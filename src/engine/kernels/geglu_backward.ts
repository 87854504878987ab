// Binds shaders/geglu_backward.wgsl.
import shader from '../../../shaders/geglu_backward.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** The gradients of geglu's two inputs. */
export const gegluBackward = defineKernel(shader, {
  bindings: ['gate', 'up', 'dy', 'dgate', 'dup'],
  constants: ['N', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});
