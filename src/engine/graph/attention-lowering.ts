// Attention by the kernels made for each kind of row: split over workgroups where an answer continues, in tiles of
// queries for prompts. Both read the caches as the plain kernel does.
import type {Constants} from '../../gpu/kernel.ts';
import {
  attentionMerge,
  attentionSplit,
  attentionSplitPrepared,
  attentionSplitSubgroup,
  headQuads,
  maxSplits,
  splitBatch,
} from '../kernels/attention_split.ts';
import {attentionTiled, groupsFor, QUERIES} from '../kernels/attention_tiled.ts';
import {PAGE_SIZE} from '../kv/pages.ts';
import type {FusedOperation} from './fused.ts';
import type {Activation, AttentionAttributes, CacheTensor} from './graph.ts';
import {type Binding, type Lowering, partialSums, ROWS_CONSTANT, type Work, work} from './lowering.ts';
import {pageTables, plain, strideOf, vector} from './plain.ts';
import {qkvPreparation, qPreparation} from './preparing.ts';

type SplitConstants = Constants<(typeof attentionSplit.constants)[number]['name']>;
type SplitBindings = Readonly<Record<(typeof attentionSplit.bindingNames)[number], Binding>>;

export interface AttentionSizes {
  contextLength: number;
  /** Rows of a step that can continue answers. */
  maxDecodeRows: number;
  /** Rows that go through the head at once. */
  maxOutputs: number;
  /** Rows of a step. */
  maxRows: number;
}

type Attending = Lowering<Extract<FusedOperation, {kind: 'attention' | 'qkvAttention' | 'qAttention'}>>;

/** What an attention reads and writes, whatever is done to its queries. */
interface Attended {
  /** Where rows that continue answers have their queries. */
  q: Activation;
  keys: CacheTensor;
  values: CacheTensor;
  y: Activation;
}

/**
 * Attention split over workgroups where an answer continues, and in tiles for prompts. Where queries come as projected, rows
 * that continue answers prepare them on the way, and those of prompts in a dispatch of their own.
 */
export function attentionLowering(sizes: AttentionSizes, subgroups: boolean): Attending {
  const kernel = subgroups ? attentionSplitSubgroup : attentionSplit;
  return {
    attention(operation, context) {
      const {inputs, outputs, attributes} = operation;
      if (attributes.nHead / attributes.nHeadKv > QUERIES) return plain.attention(operation, context);
      const attended = {...inputs, ...outputs};
      return [
        ...split(attended, attributes, sizes, (constants, bindings) =>
          work(kernel, constants, bindings, {rows: 'decode'}),
        ),
        ...tiled(attended, attributes, sizes),
      ];
    },

    qkvAttention({inputs, outputs, attributes}) {
      const {qWeight, kWeight, angles} = inputs;
      const {q, keys, values, y} = outputs;
      const {eps, headNorms, normValues, valuesFromKeys} = attributes;
      const preparing = {
        EPS: eps,
        HEAD_NORMS: headNorms ? 1 : 0,
        OWN_KEYS: 1,
        NORM_VALUES: normValues ? 1 : 0,
        VALUES_FROM_KEYS: valuesFromKeys ? 1 : 0,
      };
      const read = {
        q_weight: qWeight ? vector(qWeight) : angles,
        k_weight: kWeight ? vector(kWeight) : angles,
        frequencies: angles,
      };
      const attended = {q, keys, values, y};
      return [
        ...split(attended, attributes, sizes, (constants, bindings) =>
          work(attentionSplitPrepared, {...constants, ...preparing}, {...bindings, ...read}, {rows: 'decode'}),
        ),
        qkvPreparation(inputs, outputs, attributes, 'prompt'),
        ...tiled(attended, attributes, sizes),
      ];
    },

    qAttention({inputs: {q, weight, angles, keys, values}, outputs: {prepared, y}, attributes}) {
      const preparing = {EPS: attributes.eps, HEAD_NORMS: 1, OWN_KEYS: 0, NORM_VALUES: 0, VALUES_FROM_KEYS: 0};
      const read = {q_weight: vector(weight), k_weight: vector(weight), frequencies: angles};
      const works = split({q, keys, values, y}, attributes, sizes, (constants, bindings) =>
        work(attentionSplitPrepared, {...constants, ...preparing}, {...bindings, ...read}, {rows: 'decode'}),
      );
      // In the head all rows continue answers.
      if (q.over === 'outputs') return works;
      const preparation = qPreparation({q, weight, angles, y: prepared}, attributes, 'prompt');
      return [...works, preparation, ...tiled({q: prepared, keys, values, y}, attributes, sizes)];
    },
  };
}

const common = (q: Activation, attributes: AttentionAttributes) => ({
  N_HEAD: attributes.nHead,
  N_HEAD_KV: attributes.nHeadKv,
  Q_STRIDE: strideOf(q, attributes),
  SCALE: Math.fround(attributes.scale),
  WINDOW: attributes.window,
  SOFTCAP: attributes.softcap,
  QUADS: attributes.headDim / 4,
  PAGE_SIZE,
});

/** `attend` makes the work of one batch of rows, with what it does to queries. */
function split(
  {q, keys, values, y}: Attended,
  attributes: AttentionAttributes,
  {contextLength, maxDecodeRows, maxOutputs}: AttentionSizes,
  attend: (constants: SplitConstants, bindings: SplitBindings) => Work,
): Work[] {
  const mostRows = q.over === 'outputs' ? maxOutputs : maxDecodeRows;
  const batch = splitBatch(attributes, contextLength, mostRows);
  const partial = partialSums(batch.bytes);
  const splits = {MAX_SPLITS: maxSplits(attributes, contextLength), ROWS: ROWS_CONSTANT.decode, BATCH: batch.rows};
  const {nHead, headDim, window} = attributes;
  const list: Work[] = [];
  for (let first = 0; first < mostRows; first += batch.rows) {
    const constants = {...common(q, attributes), ...splits, HEAD_QUADS: headQuads(attributes), FIRST: first};
    const step = {step: 'step', rows: 'rows', page_tables: pageTables(keys)} as const;
    list.push(attend(constants, {...step, q, k: keys, v: values, partial, y}));
    const merge = {N_HEAD: nHead, WINDOW: window, HEAD_DIM: headDim, ...splits, FIRST: first};
    list.push(work(attentionMerge, merge, {step: 'step', rows: 'rows', partial, y}, {rows: 'decode'}));
  }
  return list;
}

/** Prompts; none are among output rows. */
function tiled({q, keys, values, y}: Attended, attributes: AttentionAttributes, {maxRows}: AttentionSizes): Work[] {
  if (maxRows <= 1 || q.over === 'outputs') return [];
  const {nHead, nHeadKv} = attributes;
  const constants = {...common(q, attributes), GROUPS: groupsFor(nHead, nHeadKv), ROWS: ROWS_CONSTANT.prompt};
  const step = {step: 'step', rows: 'rows', page_tables: pageTables(keys)} as const;
  return [work(attentionTiled, constants, {...step, q, k: keys, v: values, y}, {rows: 'prompt'})];
}
