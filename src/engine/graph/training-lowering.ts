// The operations of training as dispatches: forward ones as plain.ts has them but for products, which take tiles; gradients by
// the kernels of kernels/backward.ts; low-rank terms and the loss here. Knows no buffer.
import {
  addScaledBackward,
  gegluBackward,
  gegluGateBackward,
  rmsNormBackward,
  ropeBackward,
  softcapBackward,
} from '../kernels/backward.ts';
import {crossEntropy} from '../kernels/cross_entropy.ts';
import {crossEntropyBackward} from '../kernels/cross_entropy_backward.ts';
import {MAT_MUL_ROWS, matMul} from '../kernels/mat_mul.ts';
import {mulMatFor} from '../kernels/mul_mat.ts';
import {
  BACKWARD_TILES,
  type BackwardTiles,
  backwardWorkgroup,
  LARGE_BACKWARD_TILES,
  mulMatBackward,
} from '../kernels/mul_mat_backward.ts';
import {mulMatTiled, tiledWorkgroup, tilesFor} from '../kernels/mul_mat_tiled.ts';
import {spreadRows} from '../kernels/spread_rows.ts';
import {sumParts} from '../kernels/sum_parts.ts';
import {ONE, type TrainedTerm, type TrainingOperation} from './backward.ts';
import {batchAttentionLowering} from './batch-attention-lowering.ts';
import type {Activation, WeightTensor} from './graph.ts';
import {
  type Binding,
  type Lowering,
  type LoweringContext,
  partialSums,
  ROWS_CONSTANT,
  type ScratchTensor,
  type Work,
  work,
} from './lowering.ts';
import {plain, slicesOf, vector} from './plain.ts';

/** Bytes of the logits of a slice of the vocabulary. */
const LOGITS_BYTES = 16 * 2 ** 20;
const MAX_SLICE = 8192;
/** Rows of a weight from which a binding may begin on every device: 256 bytes. */
const SLICE_STEP = 64;
/** Workgroups that a product should have, by cutting its sums. */
const WORKGROUPS = 128;
/** A multiple of every DEPTH, and as much as is worth an addition. */
const PART_STEP = 128;

/** @param batchRows rows of the largest batch */
export function trainingLowering(batchRows: number): Lowering<TrainingOperation> {
  const partsFor = (workgroups: number, length: number) => {
    const wanted = Math.min(Math.ceil(WORKGROUPS / workgroups), Math.floor(length / PART_STEP));
    const PART_LENGTH = PART_STEP * Math.ceil(length / Math.max(1, wanted) / PART_STEP);
    return {PARTS: Math.ceil(length / PART_LENGTH), PART_LENGTH};
  };

  interface Product {
    a: Binding;
    b: Binding;
    c: Binding;
    sizes: {M: number; N: number; K: number};
    strides: {A_M: number; A_K: number; B_K: number; B_N: number};
    /** Which size is the batch's rows. */
    rows: 'm' | 'k';
    scale?: number;
    accumulate?: boolean;
  }

  /** c (+)= scale · a · b, cut into parts where few values would keep few workgroups busy. */
  function product({a, b, c, sizes, strides, rows, scale = 1, accumulate = false}: Product): Work[] {
    const {M, N, K} = sizes;
    const M_TILE = M <= 16 ? 16 : 64;
    const N_TILE = N <= 16 ? 16 : 64;
    const parts = partsFor(Math.ceil(M / M_TILE) * Math.ceil(N / N_TILE), K);
    const one = parts.PARTS === 1;
    const ACCUMULATE = accumulate ? 1 : 0;
    const partial = one ? c : partialSums(4 * parts.PARTS * M * N);
    const constants = {
      M_TILE,
      N_TILE,
      WORKGROUP_SIZE: (M_TILE * N_TILE) / 16,
      ...sizes,
      ...strides,
      ...parts,
      ROWS: MAT_MUL_ROWS[rows],
      SCALE: Math.fround(scale),
      ACCUMULATE: one ? ACCUMULATE : 0,
    };
    const first = work(matMul, constants, {step: 'step', a, b, c: partial});
    if (one) return [first];
    const sum = {
      N_ROWS: rows === 'm' ? 0 : M,
      WIDTH: N,
      PARTS: parts.PARTS,
      ROW_STRIDE: N,
      PART_STRIDE: M * N,
      ACCUMULATE,
    };
    return [first, work(sumParts, sum, {step: 'step', partial, y: c})];
  }

  /** y = W · x of some rows of W. */
  function forward(slice: SliceOf, x: Activation, y: Binding, N_OUT: number, rows: 'all' | 'outputs'): Work {
    const {weight, type, strideWords, nRows, binding, offset} = slice;
    const N_IN = weight.width;
    const matrix = {N_IN, N_SLICE_ROWS: nRows, FIRST_ROW: offset, N_OUT, ROW_STRIDE_WORDS: strideWords};
    const constants = {...matrix, ROWS: ROWS_CONSTANT[rows]};
    const bindings = {step: 'step', x, weight: binding, y} as const;
    if (N_IN % 4 !== 0) return work(mulMatFor(type, N_IN), constants, bindings);
    const tiles = tilesFor(nRows);
    return work(mulMatTiled[type], {...tiles, WORKGROUP_SIZE: tiledWorkgroup(tiles), ...constants}, bindings);
  }

  /** dx (+)= Wᵀ · dy of some rows of W. */
  function backward(
    slice: SliceOf,
    dy: Binding,
    dx: Activation,
    N_OUT: number,
    rows: 'all' | 'outputs',
    accumulate: boolean,
  ): Work[] {
    const {weight, type, strideWords, nRows, binding, offset} = slice;
    const N_IN = weight.width;
    const tiles: BackwardTiles = N_IN >= 4096 ? LARGE_BACKWARD_TILES : BACKWARD_TILES;
    const workgroups = Math.ceil(N_IN / tiles.COLUMN_TILE) * Math.ceil(batchRows / tiles.ROW_TILE);
    const {PARTS, PART_LENGTH} = partsFor(workgroups, nRows);
    const partial = PARTS === 1 ? dx : partialSums(4 * batchRows * PARTS * N_IN);
    const ROWS = ROWS_CONSTANT[rows];
    const constants = {
      ...tiles,
      WORKGROUP_SIZE: backwardWorkgroup(tiles),
      N_IN,
      N_SLICE_ROWS: nRows,
      FIRST_ROW: offset,
      N_OUT,
      ROW_STRIDE_WORDS: strideWords,
      ROWS,
      PARTS,
      PART_ROWS: PART_LENGTH,
      ACCUMULATE: accumulate && PARTS === 1 ? 1 : 0,
    };
    const first = work(mulMatBackward[type], constants, {step: 'step', dy, weight: binding, dx: partial});
    if (PARTS === 1) return [first];
    const ACCUMULATE = accumulate ? 1 : 0;
    const sum = {WIDTH: N_IN, PARTS, ROW_STRIDE: PARTS * N_IN, PART_STRIDE: N_IN, ROWS, ACCUMULATE};
    return [first, work(sumParts, sum, {step: 'step', partial, y: dx})];
  }

  const sums: ScratchTensor = {kind: 'scratch', name: 'loss sums', bytes: lossSumsBytes(batchRows)};
  const logits = (width: number): ScratchTensor => ({
    kind: 'scratch',
    name: 'logits of a slice',
    bytes: 4 * batchRows * width,
  });

  /** The vocabulary in slices small enough for the logits of a whole batch. */
  function vocabularySlices(weight: WeightTensor, context: LoweringContext): (SliceOf & {first: number})[] {
    const fitting = Math.floor(LOGITS_BYTES / (4 * batchRows) / SLICE_STEP) * SLICE_STEP;
    const width = Math.max(SLICE_STEP, Math.min(MAX_SLICE, fitting));
    return slicesOf(weight, context).flatMap(({type, strideWords, firstRow, nRows}, index) => {
      const parts: (SliceOf & {first: number})[] = [];
      for (let at = 0; at < nRows; at += width) {
        const count = Math.min(width, nRows - at);
        const binding: Binding = {kind: 'part', weight, index, firstRow: at, nRows: count};
        parts.push({weight, type, strideWords, nRows: count, binding, offset: 0, first: firstRow + at});
      }
      return parts;
    });
  }

  const {getRows, linearById, topExperts, sumExperts, rmsNorm, rope, add, geglu, selectOutputs} = plain;
  const {softcap, gaussianTopk, matchRms, altupPredict, altupCorrect} = plain;

  return {
    getRows,
    linearById,
    topExperts,
    sumExperts,
    rmsNorm,
    rope,
    add,
    geglu,
    selectOutputs,
    softcap,
    gaussianTopk,
    matchRms,
    altupPredict,
    altupCorrect,
    ...batchAttentionLowering(batchRows),

    linear: ({inputs: {weight, x}, outputs: {y}}, context) =>
      weightSlices(weight, context).map((slice) => forward(slice, x, y, y.width, 'all')),

    lowRankInner: ({inputs: {x}, outputs: {t}, attributes: {term}}) =>
      product({
        a: x,
        b: factor(term, 'a'),
        c: t,
        sizes: {M: batchRows, N: term.rank, K: x.width},
        strides: {A_M: x.width, A_K: 1, B_K: 1, B_N: x.width},
        rows: 'm',
      }),

    lowRankOuter: ({inputs: {t}, outputs: {y}, attributes: {term}}) =>
      product({
        a: t,
        b: factor(term, 'b'),
        c: y,
        sizes: {M: batchRows, N: y.width, K: term.rank},
        strides: {A_M: term.rank, A_K: 1, B_K: 1, B_N: term.rank},
        rows: 'm',
        scale: term.scale,
        accumulate: true,
      }),

    lowRankOuterBackward: ({inputs: {dy, t}, outputs: {dt}, attributes: {term}}) => [
      ...product({
        a: dy,
        b: factor(term, 'b'),
        c: dt,
        sizes: {M: batchRows, N: term.rank, K: dy.width},
        strides: {A_M: dy.width, A_K: 1, B_K: term.rank, B_N: 1},
        rows: 'm',
        scale: term.scale,
      }),
      ...product({
        a: dy,
        b: t,
        c: factor(term, 'b', 'gradients'),
        sizes: {M: dy.width, N: term.rank, K: batchRows},
        strides: {A_M: 1, A_K: dy.width, B_K: term.rank, B_N: 1},
        rows: 'k',
        scale: term.scale,
        accumulate: true,
      }),
    ],

    lowRankInnerBackward: ({inputs: {dt, x, into}, outputs: {dx}, attributes: {term}}) => [
      ...product({
        a: dt,
        b: x,
        c: factor(term, 'a', 'gradients'),
        sizes: {M: term.rank, N: x.width, K: batchRows},
        strides: {A_M: 1, A_K: term.rank, B_K: x.width, B_N: 1},
        rows: 'k',
        accumulate: true,
      }),
      ...(dx
        ? product({
            a: dt,
            b: factor(term, 'a'),
            c: dx,
            sizes: {M: batchRows, N: x.width, K: term.rank},
            strides: {A_M: term.rank, A_K: 1, B_K: x.width, B_N: 1},
            rows: 'm',
            accumulate: into !== null,
          })
        : []),
    ],

    copy: ({inputs: {x}, outputs: {y}}) => [work(addScaledBackward, {N: x.width}, {dy: x, scale: ONE, dx: y})],

    loss: ({inputs: {x, weight}, attributes: {softcap: SOFTCAP}}, context) =>
      vocabularySlices(weight, context).flatMap((slice) => [
        forward(slice, x, logits(slice.nRows), slice.nRows, 'outputs'),
        work(
          crossEntropy,
          {N: slice.nRows, FIRST: slice.first, SOFTCAP},
          {step: 'step', labels: {kind: 'batch', holds: 'labels'}, logits: logits(slice.nRows), sums},
        ),
      ]),

    lossBackward: ({inputs: {x, weight}, outputs: {dx}, attributes: {softcap: SOFTCAP}}, context) =>
      vocabularySlices(weight, context).flatMap((slice, i) => [
        forward(slice, x, logits(slice.nRows), slice.nRows, 'outputs'),
        work(
          crossEntropyBackward,
          {N: slice.nRows, FIRST: slice.first, SOFTCAP},
          {
            step: 'step',
            labels: {kind: 'batch', holds: 'labels'},
            weights: {kind: 'batch', holds: 'weights'},
            sums,
            logits: logits(slice.nRows),
          },
        ),
        ...backward(slice, logits(slice.nRows), dx, slice.nRows, 'outputs', i > 0),
      ]),

    linearBackward: ({inputs: {dy, weight, into}, outputs: {dx}}, context) =>
      weightSlices(weight, context).flatMap((slice, i) =>
        backward(slice, dy, dx, dy.width, 'all', i > 0 || into !== null),
      ),

    rmsNormBackward({inputs: {x, weight, dy, into}, outputs: {dx}, attributes: {size, eps}}) {
      const constants = {N: size, EPS: eps, HAS_WEIGHT: weight ? 1 : 0, ACCUMULATE: into ? 1 : 0};
      const bindings = {x, weight: weight ? vector(weight) : x, dy, dx};
      return [work(rmsNormBackward, constants, bindings, {perRow: x.width / size})];
    },

    ropeBackward: ({inputs: {dy, angles}, outputs: {dx}, attributes: {headDim}}) => [
      work(ropeBackward, {N_HEAD: dx.width / headDim, HEAD_DIM: headDim}, {rows: 'rows', frequencies: angles, dy, dx}),
    ],

    addBackward: ({inputs: {dy, scale, into}, outputs: {dx}}) => [
      work(
        addScaledBackward,
        {N: dy.width, X_N: dx.width === dy.width ? 0 : dx.width, ACCUMULATE: into ? 1 : 0},
        {dy, scale: scale.kind === 'weight' ? vector(scale) : scale, dx},
      ),
    ],

    gegluBackward: ({inputs: {gate, up, dy}, outputs: {dgate, dup}}) => [
      work(gegluBackward, {N: gate.width}, {gate, up, dy, dgate, dup}),
    ],

    gegluGateBackward: ({inputs: {gate, up, offset, dy}, outputs: {dgate}}) => [
      work(gegluGateBackward, {N: gate.width, UP_STRIDE: up.width}, {gate, up, up_offset: offset, dy, dgate}),
    ],

    selectOutputsBackward: ({inputs: {dy}, outputs: {dx}}) => [
      work(spreadRows, {N: dx.width}, {step: 'step', output_of_row: {kind: 'batch', holds: 'outputOfRow'}, dy, dx}),
    ],

    softcapBackward: ({inputs: {y, dy}, outputs: {dx}, attributes: {cap}}) => [
      work(softcapBackward, {N: dx.width, CAP: cap}, {y, dy, dx}),
    ],
  };
}

/** What the loss leaves of each output row, in bytes. */
export const lossSumsBytes = (batchRows: number): number => 16 * batchRows;

/** Rows of a matrix: a slice, or a part of one. */
interface SliceOf {
  weight: WeightTensor;
  type: Parameters<typeof mulMatFor>[0];
  strideWords: number;
  nRows: number;
  binding: Binding;
  /** Where its outputs begin in a row of y. */
  offset: number;
}

const weightSlices = (weight: WeightTensor, context: LoweringContext): SliceOf[] =>
  slicesOf(weight, context).map(({slice, firstRow, ...of}) => ({weight, ...of, binding: slice, offset: firstRow}));

const factor = ({tensor}: TrainedTerm, half: 'a' | 'b', holds: 'values' | 'gradients' = 'values'): Binding => ({
  kind: 'factor',
  tensor,
  half,
  holds,
});
