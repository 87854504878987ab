// Binds shaders/attention_tiled.wgsl: attention of many rows.
import shader from '../../../shaders/attention_tiled.wgsl';
import cacheF32 from '../../../shaders/lib/cache_f32.wgsl';
import {defineKernel, type Grid, type RowShape} from '../../gpu/kernel.ts';
import {constantIn} from '../../gpu/wgsl.ts';

/** Queries of a workgroup, groups of four; also the most query heads that may share a head of keys. */
export const QUERIES = 4 * constantIn(shader, 'GROUPS');

/** nRows counts the rows that ROWS names. */
export const attentionTiled = defineKernel([cacheF32, shader.replace('_VARIANT(', '_f32(')].join('\n'), {
  bindings: ['step', 'rows', 'page_tables', 'q', 'k', 'v', 'y'],
  constants: ['N_HEAD', 'N_HEAD_KV', 'Q_STRIDE', 'SCALE', 'WINDOW', 'SOFTCAP', 'ROWS', 'QUADS', 'PAGE_SIZE'],
  defaults: {Q_STRIDE: 0, WINDOW: 0, SOFTCAP: 0, ROWS: 0},
  grid: ({nRows}: RowShape, {N_HEAD, N_HEAD_KV}): Grid => {
    const rowsOfTile = Math.floor((QUERIES * N_HEAD_KV) / N_HEAD);
    return [Math.ceil(nRows / rowsOfTile), N_HEAD_KV, 1];
  },
});
