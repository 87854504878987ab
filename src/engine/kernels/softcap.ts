// Binds shaders/softcap.wgsl.
import shader from '../../../shaders/softcap.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** y ← cap · tanh(y / cap), in place. */
export const softcap = defineKernel(shader, {
  bindings: ['y'],
  constants: ['N', 'CAP', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});
