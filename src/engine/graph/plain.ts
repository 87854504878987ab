// The plain lowering: one operation, one dispatch (one a slice, where a tensor is cut). The reference that every faster
// lowering is compared with, and what runs where a faster one fails.
import {
  addScaled,
  altupCorrect,
  altupPredict,
  attention,
  copyRows,
  gaussianTopk,
  geglu,
  getRows,
  kvWrite,
  matchRms,
  meanRows,
  mulMatFor,
  mulMatIdFor,
  rmsNorm,
  rope,
  softcap,
  sumExperts,
  topExperts,
} from '../kernels/kernels.ts';
import {PAGE_SIZE} from '../kv/pages.ts';
import type {Activation, AttentionAttributes, CacheTensor, WeightTensor} from './graph.ts';
import {
  type Binding,
  type Lowering,
  type LoweringContext,
  ROWS_CONSTANT,
  type StepBufferName,
  work,
} from './lowering.ts';

/** An entry for every kind of operation; see shaders/ for what each kernel computes. */
export const plain: Lowering = {
  getRows({inputs: {table}, outputs: {y}, attributes: {scale}}, context) {
    // Of a hosted table there are the rows of this step, in its order.
    const rows = context.stored(table).hosted ? 'slots' : 'rows';
    return slicesOf(table, context).map(({type, strideWords, firstRow, nRows, slice}) =>
      work(
        getRows[type],
        {
          N: table.width,
          ROW_STRIDE_WORDS: strideWords,
          FIRST_ROW: firstRow,
          N_SLICE_ROWS: nRows,
          SCALE: Math.fround(scale),
        },
        {step: 'step', rows, weight: slice, y},
      ),
    );
  },

  linear({inputs: {weight, x}, outputs: {y}}, context) {
    return slicesOf(weight, context).map(({type, strideWords, firstRow, nRows, slice}) =>
      work(
        mulMatFor(type, weight.width),
        {
          N_IN: weight.width,
          N_SLICE_ROWS: nRows,
          FIRST_ROW: firstRow,
          N_OUT: weight.nOut,
          ROW_STRIDE_WORDS: strideWords,
          ROWS: ROWS_CONSTANT[x.over === 'outputs' ? 'outputs' : 'all'],
        },
        {step: 'step', x, weight: slice, y},
      ),
    );
  },

  linearById({inputs: {weight, x, experts}, outputs: {y}, attributes}, context) {
    const {topK, expertRows, offset, nOut, perExpert} = attributes;
    return slicesOf(weight, context).map(({type, strideWords, firstRow, nRows, slice}) =>
      work(
        mulMatIdFor(type, weight.width),
        {
          N_IN: weight.width,
          N_OUT: nOut,
          USED: topK,
          EXPERT_ROWS: expertRows,
          EXPERT_OFFSET: offset,
          X_PER_EXPERT: perExpert ? 1 : 0,
          FIRST_ROW: firstRow,
          N_SLICE_ROWS: nRows,
          ROW_STRIDE_WORDS: strideWords,
        },
        {step: 'step', x, experts, weight: slice, y},
      ),
    );
  },

  topExperts({inputs: {logits, scale}, outputs: {experts, weights}, attributes: {topK, factor}}) {
    const constants = {N_EXPERT: logits.width, USED: topK, SCALE: Math.fround(factor), HAS_SCALE: scale ? 1 : 0};
    const expert_scale = scale ? vector(scale) : logits; // bound, not read
    return [work(topExperts, constants, {step: 'step', logits, expert_scale, experts, weights})];
  },

  sumExperts({inputs: {x, weights}, outputs: {y}, attributes: {topK}}) {
    return [work(sumExperts, {N: y.width, USED: topK}, {step: 'step', x, weights, y})];
  },

  rmsNorm({inputs: {x, weight}, outputs: {y}, attributes: {size, eps}}) {
    const constants = {N: size, EPS: eps, HAS_WEIGHT: weight ? 1 : 0};
    return [work(rmsNorm, constants, {x, weight: weight ? vector(weight) : x, y}, {perRow: x.width / size})];
  },

  rope({inputs: {x, angles}, outputs: {y}, attributes: {headDim}}) {
    const constants = {N_HEAD: x.width / headDim, HEAD_DIM: headDim};
    return [work(rope, constants, {rows: 'rows', frequencies: angles, x, y})];
  },

  kvWrite({inputs: {x}, outputs: {cache}}) {
    const bindings = {step: 'step', rows: 'rows', page_tables: pageTables(cache), src: x, cache} as const;
    return [work(kvWrite, {WIDTH: x.width, PAGE_SIZE}, bindings)];
  },

  attention({inputs: {q, keys, values}, outputs: {y}, attributes}) {
    const constants = {
      N_HEAD: attributes.nHead,
      N_HEAD_KV: attributes.nHeadKv,
      HEAD_DIM: attributes.headDim,
      SCALE: Math.fround(attributes.scale),
      WINDOW: attributes.window,
      SOFTCAP: attributes.softcap,
      PAGE_SIZE,
      Q_STRIDE: strideOf(q, attributes),
    };
    const step = {step: 'step', rows: 'rows', page_tables: pageTables(keys)} as const;
    return [work(attention, constants, {...step, q, k: keys, v: values, y})];
  },

  add({inputs: {a, b, scale}, outputs: {y}}) {
    const constants = {N: a.width, B_N: b.width === a.width ? 0 : b.width};
    return [work(addScaled, constants, {a, b, scale: scale.kind === 'weight' ? vector(scale) : scale, y})];
  },

  geglu({inputs: {gate, up, offset}, outputs: {y}}) {
    return [work(geglu, {N: gate.width, UP_STRIDE: up.width}, {gate, up, up_offset: offset, y})];
  },

  selectOutputs({inputs: {x}, outputs: {y}}) {
    return [work(copyRows, {N: x.width}, {step: 'step', output_rows: 'outputRows', x, y})];
  },

  meanRows({inputs: {x}, outputs: {y}}) {
    const bindings = {step: 'step', rows: 'rows', output_rows: 'outputRows', x, y} as const;
    return [work(meanRows, {N: x.width}, bindings)];
  },

  softcap({outputs: {y}, attributes: {cap}}) {
    return [work(softcap, {N: y.width, CAP: cap}, {y})];
  },

  gaussianTopk({inputs: {x}, outputs: {y}, attributes: {kappa}}) {
    return [work(gaussianTopk, {N: x.width, KAPPA: Math.fround(kappa)}, {x, y})];
  },

  matchRms({inputs: {x, target}, outputs: {y}, attributes: {eps}}) {
    const constants = {N: target.width, PER_TARGET: x.width / target.width, EPS: eps};
    return [work(matchRms, constants, {x, target_rows: target, y})];
  },

  altupPredict({inputs: {coefs}, outputs: {active, others}, attributes: {factor}}) {
    const constants = {N: active.width, COEF_SCALE: Math.fround(factor)};
    return [work(altupPredict, constants, {coefs, active_stream: active, others})];
  },

  altupCorrect({inputs: {activated, coefs, scale}, outputs: {active, others, scaled}, attributes: {factor}}) {
    const constants = {N: active.width, COEF_SCALE: Math.fround(factor)};
    const bindings = {activated, coefs, scale: vector(scale), active_stream: active, others, scaled};
    return [work(altupCorrect, constants, bindings)];
  },
};

/** Values from a row's queries to the next row's: 0 where nothing is between. */
export const strideOf = (q: Activation, {nHead, headDim}: AttentionAttributes): number =>
  q.width === nHead * headDim ? 0 : q.width;

/** Every slice of a weight with what a kernel has to know of it. */
export function slicesOf(weight: WeightTensor, context: LoweringContext) {
  const {type, strideWords, slices} = context.stored(weight);
  return slices.map(({firstRow, nRows}, index) => {
    const slice: Binding = {kind: 'slice', weight, index};
    return {type, strideWords, firstRow, nRows, slice};
  });
}

/** A weight of one row: one slice. */
export const vector = (weight: WeightTensor): Binding => ({kind: 'slice', weight, index: 0});

/** The page tables that find a cache's slots. */
export const pageTables = ({group}: CacheTensor): StepBufferName =>
  group === 'full' ? 'pageTables' : 'slidingPageTables';
