// Binds shaders/attention_split.wgsl and attention_merge.wgsl: attention of few rows, split over workgroups.
import mergeShader from '../../../shaders/attention_merge.wgsl';
import shader from '../../../shaders/attention_split.wgsl';
import splits from '../../../shaders/lib/attention_splits.wgsl';
import cacheF32 from '../../../shaders/lib/cache_f32.wgsl';
import preparing from '../../../shaders/lib/split_preparing.wgsl';
import reading from '../../../shaders/lib/split_reading.wgsl';
import tileScores from '../../../shaders/lib/tile_scores.wgsl';
import tileScoresSubgroup from '../../../shaders/lib/tile_scores_subgroup.wgsl';
import {defineKernel, type Grid, type RowShape} from '../../gpu/kernel.ts';
import {constantIn} from '../../gpu/wgsl.ts';

/** What decides how many splits the rows of a step have. */
export interface KeyShape extends RowShape {
  /** Keys of the longest row: its position + 1. */
  nKeys: number;
}

export interface SplitLayer {
  nHead: number;
  nHeadKv: number;
  headDim: number;
  /** Positions a query sees; 0: all. */
  window: number;
}

const KEY_TILE = constantIn(splits, 'KEY_TILE');
/** Query heads that one workgroup takes. */
const HEADS = 8;
/** Splits of all KV heads together that a row is cut into at most: enough to occupy a large GPU. */
const WORKGROUPS_A_ROW = 128;
/** `partial` holds at most so many rows, and with few exceptions so many bytes; of more rows a dispatch takes some. */
const BATCH_ROWS = 8;
const BATCH_BYTES = 17 * 2 ** 20;

/** Splits that a row of so many keys can need, whatever is allowed: tiles, where a window begins anywhere in one. */
function tilesOf(nKeys: number, window: number): number {
  const tiles = Math.ceil(nKeys / KEY_TILE);
  return window > 0 ? Math.min(tiles, Math.ceil(window / KEY_TILE) + 1) : tiles;
}

/**
 * Splits a row is cut into at most: from 16 to 128 by KV heads, no more than its tiles. A row's cut, hence its bits,
 * follows from its position and the first of these alone.
 */
export function maxSplits({nHeadKv, window}: SplitLayer, contextLength: number): number {
  const most = Math.max(16, WORKGROUPS_A_ROW >> Math.ceil(Math.log2(nHeadKv)));
  return Math.min(most, tilesOf(contextLength, window));
}

/** Rows that one dispatch takes, and bytes of `partial` for them. */
export function splitBatch(layer: SplitLayer, contextLength: number, maxRows: number): {rows: number; bytes: number} {
  const rowBytes = 4 * layer.nHead * maxSplits(layer, contextLength) * (4 + layer.headDim);
  const rows = Math.max(1, Math.min(BATCH_ROWS, maxRows, Math.floor(BATCH_BYTES / rowBytes)));
  return {rows, bytes: rows * rowBytes};
}

/** Query heads of a KV head, in fours: an override of attention_split. */
export const headQuads = ({nHead, nHeadKv}: SplitLayer): number => (nHead / nHeadKv > HEADS / 2 ? 2 : 1);

const CONSTANTS = [
  'N_HEAD',
  'N_HEAD_KV',
  'Q_STRIDE',
  'SCALE',
  'WINDOW',
  'SOFTCAP',
  'QUADS',
  'HEAD_QUADS',
  'MAX_SPLITS',
  'ROWS',
  'FIRST',
  'BATCH',
  'PAGE_SIZE',
] as const;
const DEFAULTS = {Q_STRIDE: 0, WINDOW: 0, SOFTCAP: 0, ROWS: 0, FIRST: 0, BATCH: BATCH_ROWS};

interface SplitConstants {
  N_HEAD: number;
  N_HEAD_KV: number;
  WINDOW: number;
  MAX_SPLITS: number;
  FIRST: number;
  BATCH: number;
}

const grid = (
  {nRows, nKeys}: KeyShape,
  {N_HEAD, N_HEAD_KV, WINDOW, MAX_SPLITS, FIRST, BATCH}: SplitConstants,
): Grid => [
  Math.min(MAX_SPLITS, tilesOf(nKeys, WINDOW)),
  N_HEAD_KV * Math.ceil(N_HEAD / N_HEAD_KV / HEADS),
  Math.max(0, Math.min(BATCH, nRows - FIRST)),
];

const complete = (variant: string, parts: readonly string[]): string =>
  [...parts, shader.replace('_VARIANT(', `_${variant}(`)].join('\n');

const define = (variant: string, parts: readonly string[]) =>
  defineKernel(complete(variant, [...parts, reading]), {
    bindings: ['step', 'rows', 'page_tables', 'q', 'partial', 'y', 'k', 'v'],
    constants: CONSTANTS,
    defaults: DEFAULTS,
    grid,
  });

/** Needs no feature. */
export const attentionSplit = define('f32', [cacheF32, tileScores]);
/** Needs the feature `subgroups`, of any size. */
export const attentionSplitSubgroup = define('f32_subgroup', ['enable subgroups;', cacheF32, tileScoresSubgroup]);

/** Storage buffers of the next one: more than every device has. */
export const PREPARING_BUFFERS = 10;
/** The same with head norms, RoPE and the cache writes in it: q is as projected. Needs `subgroups`. */
export const attentionSplitPrepared = defineKernel(
  complete('f32_prepared', ['enable subgroups;', cacheF32, tileScoresSubgroup, preparing]),
  {
    bindings: ['step', 'rows', 'page_tables', 'q', 'partial', 'y', 'k', 'v', 'q_weight', 'k_weight', 'frequencies'],
    constants: [...CONSTANTS, 'EPS', 'HEAD_NORMS', 'OWN_KEYS', 'NORM_VALUES', 'VALUES_FROM_KEYS'],
    defaults: DEFAULTS,
    grid,
  },
);

/**
 * Whether a layer is faster with it. Every workgroup prepares the queries of its KV head: with up to four of them that costs
 * less than a dispatch (on an H200 a token of 270M takes 5 % less, of 1B 4 %), with eight more (E2B: 3 % more).
 */
export const preparesQueries = ({nHead, nHeadKv, headDim}: Omit<SplitLayer, 'window'>): boolean =>
  headDim % 8 === 0 && nHead / nHeadKv <= HEADS / 2;

export const attentionMerge = defineKernel(mergeShader, {
  bindings: ['step', 'rows', 'partial', 'y'],
  constants: ['N_HEAD', 'WINDOW', 'HEAD_DIM', 'MAX_SPLITS', 'ROWS', 'FIRST', 'BATCH'],
  defaults: {WINDOW: 0, ROWS: 0, FIRST: 0, BATCH: BATCH_ROWS},
  grid: ({nRows, nKeys}: KeyShape, {N_HEAD, HEAD_DIM, WINDOW, MAX_SPLITS, FIRST, BATCH}): Grid => {
    // No row has a second split.
    if (Math.min(MAX_SPLITS, tilesOf(nKeys, WINDOW)) <= 1) return [0, 0, 0];
    return [Math.ceil(HEAD_DIM / 64), N_HEAD, Math.max(0, Math.min(BATCH, nRows - FIRST))];
  },
});
