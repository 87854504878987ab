// Binds shaders/attention_tiled.wgsl: attention of many rows.
import shader from '../../../shaders/attention_tiled.wgsl';
import cacheF32 from '../../../shaders/lib/cache_f32.wgsl';
import {defineKernel, type Grid, type RowShape} from '../../gpu/kernel.ts';

/** Groups of four queries that a workgroup may have. */
const MOST_GROUPS = 8;
const FEW_GROUPS = 4;

/** The most query heads that may share a head of keys. */
export const QUERIES = 4 * MOST_GROUPS;

/** Few queries a workgroup make many workgroups: a step of 512 rows whose heads share one of keys has 64 of 32 queries. */
export const groupsFor = (nHead: number, nHeadKv: number): number =>
  nHead / nHeadKv <= 4 * FEW_GROUPS ? FEW_GROUPS : MOST_GROUPS;

/** nRows counts the rows that ROWS names. */
export const attentionTiled = defineKernel([cacheF32, shader.replace('_VARIANT(', '_f32(')].join('\n'), {
  bindings: ['step', 'rows', 'page_tables', 'q', 'k', 'v', 'y'],
  constants: ['N_HEAD', 'N_HEAD_KV', 'Q_STRIDE', 'SCALE', 'WINDOW', 'SOFTCAP', 'ROWS', 'GROUPS', 'QUADS', 'PAGE_SIZE'],
  defaults: {Q_STRIDE: 0, WINDOW: 0, SOFTCAP: 0, ROWS: 0},
  grid: ({nRows}: RowShape, {N_HEAD, N_HEAD_KV, GROUPS}): Grid => {
    const rowsOfTile = Math.floor((4 * GROUPS * N_HEAD_KV) / N_HEAD);
    return [Math.ceil(nRows / rowsOfTile), N_HEAD_KV, 1];
  },
});
