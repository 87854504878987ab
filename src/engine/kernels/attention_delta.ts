// Binds shaders/attention_delta.wgsl.
import shader from '../../../shaders/attention_delta.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** What attention's two other backward kernels read of each query: [n][N_HEAD][2]. */
export const attentionDelta = defineKernel(shader, {
  bindings: ['y', 'dy', 'log_sums', 'statistics'],
  constants: ['N_HEAD', 'HEAD_DIM', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N_HEAD}) => spread(nRows * N_HEAD),
});
