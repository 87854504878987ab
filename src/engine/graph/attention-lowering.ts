// Attention by the kernels made for each kind of row: split over workgroups where an answer continues, in tiles of
// queries for prompts. Both read the caches as the plain kernel does.
import {
  attentionMerge,
  attentionSplit,
  attentionSplitSubgroup,
  headQuads,
  maxSplits,
  splitBatch,
} from '../kernels/attention_split.ts';
import {attentionTiled, groupsFor, QUERIES} from '../kernels/attention_tiled.ts';
import {PAGE_SIZE} from '../kv/pages.ts';
import {type Lowering, partialSums, ROWS_CONSTANT, type Work, work} from './lowering.ts';
import {pageTables, plain, strideOf} from './plain.ts';

export interface AttentionSizes {
  contextLength: number;
  /** Rows of a step that can continue answers. */
  maxDecodeRows: number;
  /** Rows that go through the head at once. */
  maxOutputs: number;
  /** Rows of a step. */
  maxRows: number;
}

/** Attention split over workgroups where an answer continues, and in tiles for prompts. */
export function attentionLowering(
  {contextLength, maxDecodeRows, maxOutputs, maxRows}: AttentionSizes,
  subgroups: boolean,
): Pick<Lowering, 'attention'> {
  return {
    attention(operation, context) {
      const {
        inputs: {q, keys, values},
        outputs: {y},
        attributes,
      } = operation;
      const {nHead, nHeadKv, headDim, window, scale, softcap} = attributes;
      if (nHead / nHeadKv > QUERIES) return plain.attention(operation, context);
      const heads = {
        N_HEAD: nHead,
        N_HEAD_KV: nHeadKv,
        Q_STRIDE: strideOf(q, attributes),
        SCALE: Math.fround(scale),
        WINDOW: window,
        SOFTCAP: softcap,
      };
      const common = {...heads, QUADS: headDim / 4, PAGE_SIZE};
      const step = {step: 'step', rows: 'rows', page_tables: pageTables(keys)} as const;

      const isOutput = q.over === 'outputs';
      const mostRows = isOutput ? maxOutputs : maxDecodeRows;
      const batch = splitBatch(attributes, contextLength, mostRows);
      const partial = partialSums(batch.bytes);
      const splits = {MAX_SPLITS: maxSplits(attributes, contextLength), ROWS: ROWS_CONSTANT.decode, BATCH: batch.rows};
      const kernel = subgroups ? attentionSplitSubgroup : attentionSplit;
      const list: Work[] = [];
      for (let first = 0; first < mostRows; first += batch.rows) {
        const constants = {...common, ...splits, HEAD_QUADS: headQuads(attributes), FIRST: first};
        const bindings = {...step, q, k: keys, v: values, partial, y};
        list.push(work(kernel, constants, bindings, {rows: 'decode'}));
        const merge = {N_HEAD: nHead, WINDOW: window, HEAD_DIM: headDim, ...splits, FIRST: first};
        list.push(work(attentionMerge, merge, {step: 'step', rows: 'rows', partial, y}, {rows: 'decode'}));
      }
      if (maxRows > 1 && !isOutput) {
        const bindings = {...step, q, k: keys, v: values, y};
        list.push(
          work(attentionTiled, {...common, GROUPS: groupsFor(nHead, nHeadKv), ROWS: ROWS_CONSTANT.prompt}, bindings, {
            rows: 'prompt',
          }),
        );
      }
      return list;
    },
  };
}
