// Binds shaders/altup_predict.wgsl.
import shader from '../../../shaders/altup_predict.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** The four streams of Gemma 3n before a layer, in place. */
export const altupPredict = defineKernel(shader, {
  bindings: ['coefs', 'active_stream', 'others'],
  constants: ['N', 'COEF_SCALE', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});
