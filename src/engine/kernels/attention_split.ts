// Binds shaders/attention_split.wgsl and attention_merge.wgsl: attention of few rows, split over workgroups.
import mergeShader from '../../../shaders/attention_merge.wgsl';
import shader from '../../../shaders/attention_split.wgsl';
import cacheF32 from '../../../shaders/lib/cache_f32.wgsl';
import teamScores from '../../../shaders/lib/team_scores.wgsl';
import teamScoresSubgroup from '../../../shaders/lib/team_scores_subgroup.wgsl';
import {defineKernel, type Grid, type RowShape} from '../../gpu/kernel.ts';

/** What decides how many splits the rows of a step have. */
export interface KeyShape extends RowShape {
  /** Keys of the longest row: its position + 1. */
  nKeys: number;
}

// As in lib/attention_splits.wgsl.
const KEY_TILE = 64;
/** Query heads that one workgroup takes. */
const HEADS = 8;
/** Splits of all KV heads together that a row is cut into at most: enough to occupy a large GPU. */
const WORKGROUPS_A_ROW = 128;

/** Splits a row is cut into at most, for layers with so many KV heads. A power of two from 16 to 128. */
export function maxSplits(nHeadKv: number): number {
  return Math.max(16, WORKGROUPS_A_ROW >> Math.ceil(Math.log2(nHeadKv)));
}

/** f32 values of `partial` for one row. */
export const partialSize = (nHead: number, nHeadKv: number, headDim: number): number =>
  nHead * maxSplits(nHeadKv) * (4 + headDim);

/** Overrides of attention_split for a layer. */
export function splitConstants(nHead: number, nHeadKv: number, headDim: number) {
  return {QUADS: headDim / 4, HEAD_QUADS: nHead / nHeadKv > HEADS / 2 ? 2 : 1, MAX_SPLITS: maxSplits(nHeadKv)};
}

/** No row of the step has more splits than this. */
function splitsOf(nKeys: number, window: number, most: number): number {
  const tiles = Math.ceil(nKeys / KEY_TILE);
  // A window begins anywhere in a tile.
  return Math.min(most, window > 0 ? Math.min(tiles, Math.ceil(window / KEY_TILE) + 1) : tiles);
}

const define = (variant: string, parts: readonly string[]) =>
  defineKernel([...parts, shader.replace('_VARIANT(', `_${variant}(`)].join('\n'), {
    bindings: ['step', 'rows', 'page_tables', 'q', 'k', 'v', 'partial', 'y'],
    constants: [
      'N_HEAD',
      'N_HEAD_KV',
      'SCALE',
      'WINDOW',
      'SOFTCAP',
      'QUADS',
      'HEAD_QUADS',
      'MAX_SPLITS',
      'ROWS',
      'PAGE_SIZE',
    ],
    defaults: {WINDOW: 0, SOFTCAP: 0, ROWS: 0},
    grid: ({nRows, nKeys}: KeyShape, {N_HEAD, N_HEAD_KV, WINDOW, MAX_SPLITS}): Grid => [
      splitsOf(nKeys, WINDOW, MAX_SPLITS),
      N_HEAD_KV * Math.ceil(N_HEAD / N_HEAD_KV / HEADS),
      nRows,
    ],
  });

/** Needs no feature. */
export const attentionSplit = define('f32', [cacheF32, teamScores]);
/** Needs the feature `subgroups`, of any size. */
export const attentionSplitSubgroup = define('f32_subgroup', ['enable subgroups;', cacheF32, teamScoresSubgroup]);

export const attentionMerge = defineKernel(mergeShader, {
  bindings: ['step', 'rows', 'partial', 'y'],
  constants: ['N_HEAD', 'WINDOW', 'HEAD_DIM', 'MAX_SPLITS', 'ROWS'],
  defaults: {WINDOW: 0, ROWS: 0},
  grid: ({nRows, nKeys}: KeyShape, {N_HEAD, HEAD_DIM, WINDOW, MAX_SPLITS}): Grid => {
    if (splitsOf(nKeys, WINDOW, MAX_SPLITS) <= 1) return [0, 0, 0]; // no row has a second split
    return [Math.ceil(HEAD_DIM / 64), N_HEAD, nRows];
  },
});
