// Binds shaders/attention.wgsl.
import shader from '../../../shaders/attention.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** One query row against the keys and values it may see, a workgroup a head. */
export const attention = defineKernel(shader, {
  bindings: ['step', 'rows', 'page_tables', 'q', 'k', 'v', 'y'],
  constants: ['N_HEAD', 'N_HEAD_KV', 'HEAD_DIM', 'Q_STRIDE', 'SCALE', 'WINDOW', 'SOFTCAP', 'PAGE_SIZE'],
  defaults: {Q_STRIDE: 0, WINDOW: 0, SOFTCAP: 0},
  grid: ({nRows}: RowShape, {N_HEAD}) => spread(nRows * N_HEAD),
});
