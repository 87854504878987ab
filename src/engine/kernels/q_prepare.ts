// Binds shaders/q_prepare.wgsl.
import shader from '../../../shaders/q_prepare.wgsl';
import {defineKernel, type Grid, type RowShape} from '../../gpu/kernel.ts';

export const qPrepare = defineKernel(shader, {
  bindings: ['step', 'rows', 'weight', 'frequencies', 'q', 'y'],
  constants: ['N_HEAD', 'HEAD_DIM', 'EPS', 'ROWS'],
  grid: ({nRows}: RowShape, {N_HEAD}): Grid => [N_HEAD, nRows, 1],
});
