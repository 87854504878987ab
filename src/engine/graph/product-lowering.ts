// Products with weights by kernels made for each kind of row: teams of invocations that share four outputs where answers
// continue and in the head, register tiles for prompts. And the operations that rewrites make (fused.ts).
import {
  addParts,
  gegluInPlace,
  mulMatFor,
  mulMatGegluFor,
  mulMatGeluFor,
  mulMatIdFor,
  mulMatPartsFor,
  mulMatTiled,
  NARROW_TILES,
  normAddFor,
  normAddNormFor,
  normMulMatGeglu,
  normMulMatParts,
  partsOf,
  type Tiles,
  tiledWorkgroup,
  tilesFor,
} from '../kernels/kernels.ts';
import {type Parallelism, teamOf} from '../kernels/teams.ts';
import type {FusedOperation} from './fused.ts';
import type {Activation, ConstantTensor, Operation, WeightTensor} from './graph.ts';
import {
  type Binding,
  FEW_PROMPT_ROWS,
  type Lowering,
  type LoweringContext,
  partialSums,
  ROWS_CONSTANT,
  type RowKind,
  type Work,
  work,
} from './lowering.ts';
import {slicesOf, vector} from './plain.ts';
import {qkvPreparation, qPreparation} from './preparing.ts';

type Products =
  | 'linear'
  | 'linearById'
  | Exclude<FusedOperation['kind'], Operation['kind'] | 'lowRank' | 'lowRankGated' | 'qkvAttention' | 'qAttention'>;

/** @param maxRows rows of a step */
export function productLowering(parallelism: Parallelism, maxRows: number): Pick<Lowering<FusedOperation>, Products> {
  const {joining} = parallelism;

  /** norm_add_norm of all rows, or of those of prompts. */
  function norms(
    {x: y, weight, h, scale, nextWeight}: NormInputs,
    {sum, normed}: Pick<Norms['outputs'], 'sum' | 'normed'>,
    {eps}: Norms['attributes'],
    rows: 'all' | 'prompt',
  ): Work {
    const read = {y, weight: vector(weight), h, scale: scalar(scale), next_weight: vector(nextWeight)};
    const constants = {N: sum.width, EPS: eps, ROWS: ROWS_CONSTANT[rows]};
    return work(normAddNormFor(joining), constants, {step: 'step', ...read, sum, normed}, {rows});
  }

  /** The same of prompts, where there can be any. */
  const promptNorms = (inputs: NormInputs, outputs: Norms['outputs'], attributes: Norms['attributes']): Work[] =>
    outputs.normed.over === 'outputs' || maxRows === 1 ? [] : [norms(inputs, outputs, attributes, 'prompt')];

  /** y[…][offset …] = W · x for answers that continue. */
  function few(weight: WeightTensor, x: Activation, y: Activation, context: LoweringContext, offset = 0): Work[] {
    return slicesOf(weight, context).map(({type, strideWords, firstRow, nRows, slice}) =>
      work(
        mulMatFor(type, weight.width, joining),
        {
          ...teamOf(weight.width, nRows, parallelism),
          N_IN: weight.width,
          N_SLICE_ROWS: nRows,
          FIRST_ROW: offset + firstRow,
          N_OUT: y.width,
          ROW_STRIDE_WORDS: strideWords,
          ROWS: ROWS_CONSTANT.decode,
        },
        {step: 'step', x, weight: slice, y},
        {rows: 'decode'},
      ),
    );
  }

  /** y = W · x for rows of prompts, the outputs of several W one after the other. */
  function many(weights: readonly WeightTensor[], x: Activation, y: Activation, context: LoweringContext): Work[] {
    if (x.over === 'outputs' || maxRows === 1) return [];
    const N_IN = weights[0].width;
    const tiles = parallelism.tiles && N_IN % 4 === 0;
    const parts = partsOf(N_IN, y.width, parallelism.partLength);
    const partial = tiles && parts.PARTS > 1 ? partialSums(4 * maxRows * parts.PARTS * y.width) : null;
    const list: Work[] = [];
    let offset = 0;
    for (const weight of weights) {
      for (const {type, strideWords, firstRow, nRows, slice} of slicesOf(weight, context)) {
        const FIRST_ROW = offset + firstRow;
        const matrix = {N_IN, N_SLICE_ROWS: nRows, FIRST_ROW, N_OUT: y.width, ROW_STRIDE_WORDS: strideWords};
        const constants = {...matrix, ROWS: ROWS_CONSTANT.prompt};
        const bindings = {step: 'step', x, weight: slice, y: partial ?? y} as const;
        if (!tiles) {
          list.push(work(mulMatFor(type, N_IN), constants, bindings, {rows: 'prompt'}));
          continue;
        }
        const tiled = (sizes: Tiles, rows: RowKind) => {
          const all = {...sizes, WORKGROUP_SIZE: tiledWorkgroup(sizes), ...constants, ...parts};
          return work(mulMatTiled[type], all, bindings, {rows});
        };
        list.push(tiled(NARROW_TILES, 'fewPrompt'));
        if (maxRows > FEW_PROMPT_ROWS) list.push(tiled(tilesFor(nRows, parts.PARTS), 'manyPrompt'));
      }
      offset += weight.nOut;
    }
    if (partial) {
      const constants = {N: y.width, PARTS: parts.PARTS, ROWS: ROWS_CONSTANT.prompt};
      list.push(work(addParts, constants, {step: 'step', partial, y}, {rows: 'prompt'}));
    }
    return list;
  }

  const one = (weight: WeightTensor, context: LoweringContext) => slicesOf(weight, context)[0];

  return {
    linear: ({inputs: {weight, x}, outputs: {y}}, context) => [
      ...many([weight], x, y, context),
      ...few(weight, x, y, context),
    ],

    linearById({inputs: {weight, x, experts}, outputs: {y}, attributes}, context) {
      const {topK, expertRows, offset, nOut, perExpert} = attributes;
      return slicesOf(weight, context).map(({type, strideWords, firstRow, nRows, slice}) =>
        work(
          mulMatIdFor(type, weight.width, joining),
          {
            ...teamOf(weight.width, topK * nOut, parallelism),
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

    linearParts({inputs: {x, a, b, c}, outputs: {y}}, context) {
      const weights = c ? [a, b, c] : [a, b];
      const offsets = [0, a.nOut, a.nOut + b.nOut];
      const prompts = many(weights, x, y, context);
      const stored = weights.map((weight) => context.stored(weight));
      // Types may differ: Q4_K_M keeps some values in Q6_K.
      if (stored.some(({type}) => type !== stored[0].type)) {
        return [...prompts, ...weights.flatMap((weight, i) => few(weight, x, y, context, offsets[i]))];
      }
      const {type, strideWords} = stored[0];
      return [
        ...prompts,
        work(
          mulMatPartsFor(type, joining),
          {
            ...teamOf(a.width, y.width, parallelism),
            N_IN: a.width,
            N_OUT: y.width,
            ROW_STRIDE_WORDS: strideWords,
            ROWS: ROWS_CONSTANT.decode,
            QUADS_A: a.nOut / 4,
            QUADS_B: b.nOut / 4,
            QUADS_C: (c?.nOut ?? 0) / 4,
          },
          {step: 'step', x, a: vector(a), b: vector(b), c: vector(c ?? b), y},
          {rows: 'decode'},
        ),
      ];
    },

    gatedLinear({inputs: {x, gate, up, offset}, outputs: {y, ups}}, context) {
      const {type, strideWords, slice} = one(gate, context);
      const constants = {
        ...teamOf(gate.width, gate.nOut, parallelism),
        N_IN: gate.width,
        N_OUT: gate.nOut,
        ROW_STRIDE_WORDS: strideWords,
        ROWS: ROWS_CONSTANT.decode,
      };
      return [
        ...many([gate], x, y, context),
        ...many([up], x, ups, context),
        ...(x.over === 'outputs' ? [] : [activate(y, ups, offset)]),
        work(
          mulMatGegluFor(type, joining),
          constants,
          {step: 'step', x, gate: slice, up: vector(up), y},
          {rows: 'decode'},
        ),
      ];
    },

    geluLinear({inputs: {x, weight, up, offset}, outputs: {y}}, context) {
      const {type, strideWords, slice} = one(weight, context);
      const constants = {
        ...teamOf(weight.width, weight.nOut, parallelism),
        N_IN: weight.width,
        N_OUT: weight.nOut,
        ROW_STRIDE_WORDS: strideWords,
        ROWS: ROWS_CONSTANT.decode,
        UP_STRIDE: up.width,
      };
      return [
        ...many([weight], x, y, context),
        ...(x.over === 'outputs' ? [] : [activate(y, up, offset)]),
        work(
          mulMatGeluFor(type, joining),
          constants,
          {step: 'step', x, weight: slice, up, up_offset: offset, y},
          {rows: 'decode'},
        ),
      ];
    },

    normAdd: ({inputs: {y, weight, h, scale}, outputs: {sum}, attributes: {size, eps}}) => [
      work(
        normAddFor(joining),
        {N: size, EPS: eps},
        {y, weight: vector(weight), h, scale: scalar(scale), sum},
        {perRow: sum.width / size},
      ),
    ],

    normAddNorm: ({inputs: {y: x, ...inputs}, outputs, attributes}) => [
      norms({x, ...inputs}, outputs, attributes, 'all'),
    ],

    normedParts({inputs: {x, weight, h, scale, nextWeight, a, b, c}, outputs, attributes}, context) {
      const {sum, normed, y} = outputs;
      const constants = {
        ...teamOf(a.width, y.width, parallelism),
        EPS: attributes.eps,
        N_IN: a.width,
        N_OUT: y.width,
        ROW_STRIDE_WORDS: context.stored(a).strideWords,
        ROWS: ROWS_CONSTANT.decode,
        QUADS_A: a.nOut / 4,
        QUADS_B: b.nOut / 4,
        QUADS_C: (c?.nOut ?? 0) / 4,
      };
      const read = {x, weight: vector(weight), h, scale: scalar(scale), next_weight: vector(nextWeight)};
      const matrices = {a: vector(a), b: vector(b), c: vector(c ?? b)};
      return [
        ...promptNorms({x, weight, h, scale, nextWeight}, outputs, attributes),
        ...many(c ? [a, b, c] : [a, b], normed, y, context),
        work(
          normMulMatParts[context.stored(a).type],
          constants,
          {step: 'step', ...read, ...matrices, sum, y},
          {rows: 'decode'},
        ),
      ];
    },

    normedGated({inputs: {x, weight, h, scale, nextWeight, gate, up, offset}, outputs, attributes}, context) {
      const {sum, normed, y, ups} = outputs;
      const {type, strideWords, slice} = one(gate, context);
      const constants = {
        ...teamOf(gate.width, gate.nOut, parallelism),
        EPS: attributes.eps,
        N_IN: gate.width,
        N_OUT: gate.nOut,
        ROW_STRIDE_WORDS: strideWords,
        ROWS: ROWS_CONSTANT.decode,
      };
      const read = {x, weight: vector(weight), h, scale: scalar(scale), next_weight: vector(nextWeight)};
      return [
        ...promptNorms({x, weight, h, scale, nextWeight}, outputs, attributes),
        ...many([gate], normed, y, context),
        ...many([up], normed, ups, context),
        ...(normed.over === 'outputs' ? [] : [activate(y, ups, offset)]),
        work(
          normMulMatGeglu[type],
          constants,
          {step: 'step', ...read, gate: slice, up: vector(up), sum, y},
          {rows: 'decode'},
        ),
      ];
    },

    qkvPrepare: ({inputs, outputs, attributes}) => [qkvPreparation(inputs, outputs, attributes)],

    qPrepare: ({inputs: {q, weight, angles}, outputs: {y}, attributes}) => [
      qPreparation({q, weight, angles, y}, attributes),
    ],
  };
}

const scalar = (scale: WeightTensor | ConstantTensor): Binding => (scale.kind === 'weight' ? vector(scale) : scale);

type Norms = Extract<FusedOperation, {kind: 'normAddNorm'}>;
type NormInputs = {x: Activation} & Omit<Norms['inputs'], 'y'>;

/** y ← gelu(y) ⊙ ups for a step that has prompts: for all its rows, those that continue answers are computed again. */
function activate(y: Activation, ups: Activation, offset: Binding): Work {
  const bindings = {up: ups, up_offset: offset, y};
  return work(gegluInPlace, {N: y.width, UP_STRIDE: ups.width}, bindings, {rows: 'withPrompt'});
}
