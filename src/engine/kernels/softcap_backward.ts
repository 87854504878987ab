// Binds shaders/softcap_backward.wgsl.
import shader from '../../../shaders/softcap_backward.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** The gradient of what was soft-capped; y is the capped value. */
export const softcapBackward = defineKernel(shader, {
  bindings: ['y', 'dy', 'dx'],
  constants: ['N', 'CAP', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});
