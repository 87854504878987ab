// Attention of training: over the rows of a batch, whose keys and values are activations.
import {attentionBackwardKeys} from '../kernels/attention_backward_keys.ts';
import {attentionBackwardQueries} from '../kernels/attention_backward_queries.ts';
import {attentionDelta} from '../kernels/attention_delta.ts';
import {attentionTrain} from '../kernels/attention_train.ts';
import {sumParts} from '../kernels/sum_parts.ts';
import type {TrainingOperation} from './backward.ts';
import type {Activation, AttentionAttributes} from './graph.ts';
import {type Lowering, type ScratchTensor, work} from './lowering.ts';

/** Workgroups that a kernel should have; a smaller tile makes more of them. */
const WORKGROUPS = 128;

/** @param batchRows rows of the largest batch */
export function batchAttentionLowering(
  batchRows: number,
): Pick<Lowering<TrainingOperation>, 'batchAttention' | 'attentionBackward'> {
  /** @param vectors how many share a head of keys */
  const constantsFor = ({nHead, nHeadKv, headDim, scale, window, softcap}: AttentionAttributes, vectors: number) => ({
    N_HEAD: nHead,
    N_HEAD_KV: nHeadKv,
    BLOCKS: Math.ceil(headDim / 128),
    QUADS: headDim / 4,
    SCALE: Math.fround(scale),
    WINDOW: window,
    SOFTCAP: softcap,
    GROUPS: Math.ceil(vectors / 32) * nHeadKv >= WORKGROUPS ? 8 : 4,
  });
  const step = {step: 'step', rows: 'rows'} as const;

  return {
    batchAttention: ({inputs: {q, keys, values}, outputs: {y, logSums}, attributes}) => [
      work(attentionTrain, constantsFor(attributes, (batchRows * attributes.nHead) / attributes.nHeadKv), {
        ...step,
        q,
        k: keys,
        v: values,
        y,
        log_sums: logSums,
      }),
    ],

    attentionBackward({inputs, outputs: {dq, dkeys, dvalues}, attributes}) {
      const {q, keys, values, y, logSums, dy, intoKeys, intoValues} = inputs;
      const {nHead, nHeadKv, headDim} = attributes;
      const share = nHead / nHeadKv;
      const statistics: ScratchTensor = {kind: 'scratch', name: 'softmax statistics', bytes: 8 * nHead * batchRows};
      const parts = partsFor(share, Math.ceil(batchRows / 16) * nHeadKv);
      const width = nHeadKv * headDim;
      const partial = (of: string): ScratchTensor => ({
        kind: 'scratch',
        name: `partial gradients of ${of}`,
        bytes: 4 * batchRows * parts * width,
      });
      const cut = parts > 1;
      const [dk, dv] = cut ? [partial('keys'), partial('values')] : [dkeys, dvalues];
      const [ACCUMULATE_KEYS, ACCUMULATE_VALUES] = [intoKeys ? 1 : 0, intoValues ? 1 : 0];
      const sizes = {WIDTH: width, PARTS: parts, ROW_STRIDE: parts * width, PART_STRIDE: width};
      const sum = (from: ScratchTensor | Activation, to: Activation, ACCUMULATE: number) =>
        work(sumParts, {...sizes, ACCUMULATE}, {step: 'step', partial: from, y: to});
      const read = {...step, q, k: keys, v: values, dy, statistics};
      return [
        work(attentionDelta, {N_HEAD: nHead, HEAD_DIM: headDim}, {y, dy, log_sums: logSums, statistics}),
        work(attentionBackwardQueries, constantsFor(attributes, batchRows * share), {...read, dq}),
        work(
          attentionBackwardKeys,
          {
            ...constantsFor(attributes, batchRows * parts),
            PARTS: parts,
            ...(cut ? {} : {ACCUMULATE_KEYS, ACCUMULATE_VALUES}),
          },
          {...read, dk, dv},
        ),
        ...(cut ? [sum(dk, dkeys, ACCUMULATE_KEYS), sum(dv, dvalues, ACCUMULATE_VALUES)] : []),
      ];
    },
  };
}

/** Into how many parts the heads of a head of keys are cut, so that there are enough workgroups: a divisor. */
function partsFor(share: number, workgroups: number): number {
  for (let parts = 1; parts < share; parts++) {
    if (share % parts === 0 && parts * workgroups >= WORKGROUPS) return parts;
  }
  return share;
}
