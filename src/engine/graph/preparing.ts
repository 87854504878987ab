// Queries, keys and values on their way from their projections to attention, by a dispatch of their own.
import {qkvPrepare, qPrepare} from '../kernels/kernels.ts';
import {PAGE_SIZE} from '../kv/pages.ts';
import type {QkvAttributes} from './fused.ts';
import type {Activation, CacheTensor, ConstantTensor, WeightTensor} from './graph.ts';
import {ROWS_CONSTANT, type Work, work} from './lowering.ts';
import {pageTables, vector} from './plain.ts';

/** Which of a step's rows. */
export type PreparedRows = 'all' | 'prompt';

/** Queries normed and rotated in place, in `q`; keys likewise and values, written to the caches. */
export function qkvPreparation(
  {qWeight, kWeight, angles}: {qWeight: WeightTensor | null; kWeight: WeightTensor | null; angles: ConstantTensor},
  {q, keys, values}: {q: Activation; keys: CacheTensor; values: CacheTensor},
  {nHead, nHeadKv, headDim, headNorms, normValues, valuesFromKeys, eps}: QkvAttributes,
  rows: PreparedRows = 'all',
): Work {
  const constants = {
    N_HEAD: nHead,
    N_HEAD_KV: nHeadKv,
    HEAD_DIM: headDim,
    STRIDE: q.width,
    EPS: eps,
    HEAD_NORMS: headNorms ? 1 : 0,
    NORM_VALUES: normValues ? 1 : 0,
    VALUES_FROM_KEYS: valuesFromKeys ? 1 : 0,
    ROWS: ROWS_CONSTANT[rows],
    PAGE_SIZE,
  };
  const bindings = {
    step: 'step',
    rows: 'rows',
    page_tables: pageTables(keys),
    keys,
    values,
    // Bound and not read where there are no norms.
    q_weight: qWeight ? vector(qWeight) : angles,
    k_weight: kWeight ? vector(kWeight) : angles,
    frequencies: angles,
    qkv: q,
  } as const;
  return work(qkvPrepare, constants, bindings, {rows});
}

/** Queries normed and rotated, from `q` to `y`. */
export function qPreparation(
  {q, weight, angles, y}: {q: Activation; weight: WeightTensor; angles: ConstantTensor; y: Activation},
  {nHead, headDim, eps}: {nHead: number; headDim: number; eps: number},
  rows: PreparedRows = 'all',
): Work {
  const constants = {N_HEAD: nHead, HEAD_DIM: headDim, EPS: eps, ROWS: ROWS_CONSTANT[rows]};
  return work(
    qPrepare,
    constants,
    {step: 'step', rows: 'rows', weight: vector(weight), frequencies: angles, q, y},
    {rows},
  );
}
