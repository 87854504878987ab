// Binds shaders/geglu_gate_backward.wgsl.
import shader from '../../../shaders/geglu_gate_backward.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** The gradient of geglu's gates alone, `up` being a slice of frozen rows. */
export const gegluGateBackward = defineKernel(shader, {
  bindings: ['gate', 'up', 'up_offset', 'dy', 'dgate'],
  constants: ['N', 'UP_STRIDE', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});
