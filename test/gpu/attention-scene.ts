// Caches of random keys and values with pages in random order, for tests of the attention kernels.

import {noise} from '../../scripts/lib/noise.ts';
import {seededRandom} from '../../scripts/model-files/random.ts';
import {rowData, stepData} from '../helpers/gpu.ts';
import * as reference from '../reference/kernels.ts';

export interface AttentionCase {
  nHead: number;
  nHeadKv: number;
  headDim: number;
  window?: number;
  pageSize?: number;
  scale?: number;
  softcap?: number;
  /** Positions of the rows, by sequence. */
  positions: readonly (readonly number[])[];
  /** Rows attend their whole sequence, as far as the largest of its positions, and not only what is before them. */
  bothWays?: boolean;
  /** Multiplies q: large ones make the softmax sharp. */
  sharpness?: number;
}

export interface Row {
  position: number;
  /** Where the sequence's table begins. */
  pageTable: number;
  last?: number;
}

/** A cache of random keys, its pages dealt to the sequences in random order. */
export function attentionScene(each: AttentionCase) {
  const {nHead, nHeadKv, headDim, window = 0, softcap = 0, pageSize = 32, positions, bothWays, sharpness = 1} = each;
  const {scale = headDim ** -0.5} = each;
  const pagesEach = positions.map((list) => Math.floor(Math.max(...list) / pageSize) + 1);
  const nPages = pagesEach.reduce((a, b) => a + b) + 2;
  const random = seededRandom(5);
  const pages = Array.from({length: nPages}, (_, i) => i)
    .map((page) => ({page, order: random.u32()}))
    .sort((a, b) => a.order - b.order)
    .map(({page}) => page);
  const starts = pagesEach.map((_, s) => pagesEach.slice(0, s).reduce((a, b) => a + b, 0));
  const rows: Row[] = positions.flatMap((list, s) => {
    const last = bothWays ? {last: Math.max(...list)} : {};
    return list.map((position) => ({position, pageTable: starts[s], ...last}));
  });
  const shape = {nHead, nHeadKv, headDim, window, softcap, pageSize, scale};
  const q = noise(rows.length * nHead * headDim).map((x) => x * sharpness);
  const k = noise(nPages * pageSize * nHeadKv * headDim, 2);
  const v = noise(k.length, 3);
  const stepInput = (subset: readonly Row[]) => ({step: stepData(subset.length), rows: rowData(subset)});
  const expected = () => reference.attention(q, k, v, rows, pages, shape);
  return {rows, q, k, v, pages, shape, stepInput, expected};
}
