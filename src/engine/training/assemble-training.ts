// Everything of a training that is on the GPU besides the engine, made in one place: on a device, or only counted, which is
// the plan. Fills nothing.
import {GemmaError} from '../../errors.ts';
import type {Buffers} from '../../gpu/buffers.ts';
import type {BufferBinding} from '../../gpu/recorder.ts';
import {type TrainedTerm, type TrainingGraph, type TrainingOperation, trainingGraph} from '../graph/backward.ts';
import {
  type Activation,
  activationsOut,
  type ConstantTensor,
  type Graph,
  inputsOf,
  isOverOutputs,
} from '../graph/graph.ts';
import {activationBytes, planActivations} from '../graph/liveness.ts';
import {type Binding, type Dispatch, dispatchOf, type LoweringContext, type StoredWeight} from '../graph/lowering.ts';
import {lossSumsBytes, trainingLowering} from '../graph/training-lowering.ts';
import {SQUARE_SUMS} from '../kernels/square_sums.ts';
import {matrixBytes, ROWS_BESIDE} from '../kernels/weight-layout.ts';
import {packRows, ROW_WORDS, STEP_WORDS} from '../step-data.ts';
import {type FactorLayout, layOutFactors, type SizedTerm} from './factors.ts';
import type {TrainingOptions} from './training.ts';

/** What a training is made over. */
export interface TrainingBase {
  graph: Graph;
  /** How the engine stores its weights. */
  context: LoweringContext;
  /** The largest buffer that may be bound. */
  maxBufferBytes: number;
}

/** Values, gradients and AdamW's moments of all factors. */
export interface FactorBanks {
  values: readonly GPUBuffer[];
  gradients: readonly GPUBuffer[];
  first: readonly GPUBuffer[];
  second: readonly GPUBuffer[];
}

export interface TrainingAssembly {
  layout: FactorLayout;
  banks: FactorBanks;
  dispatches: readonly Dispatch[];
  /** Dispatches before it are the forward pass and the loss. */
  backwardFrom: number;
  /** The buffer of a binding that is not the engine's; null where it is. */
  bufferOf(binding: Binding): BufferBinding | null;
  step: GPUBuffer;
  rows: GPUBuffer;
  outputRows: GPUBuffer;
  batch: Readonly<Record<'labels' | 'weights' | 'outputOfRow', GPUBuffer>>;
  /** {maximum, sum, label} of each output row. */
  lossSums: GPUBuffer;
  lossReadback: GPUBuffer;
  squareSums: readonly GPUBuffer[];
  squareReadback: GPUBuffer;
  settings: GPUBuffer;
  /** Rows of a table that stays with the host. */
  hosted: GPUBuffer | null;
  /** Bytes by what they are for. */
  parts: Readonly<Record<string, number>>;
}

/** The terms that these options name, in the order of the forward pass. */
export function wantedTerms({operations}: Graph, {targets, rank, alpha}: TrainingOptions): Map<string, TrainedTerm> {
  const terms = new Map<string, TrainedTerm>();
  for (const operation of operations) {
    if (operation.kind !== 'linear') continue;
    const {name: tensor} = operation.inputs.weight;
    const short = /^blk\.\d+\.(.+)\.weight$/.exec(tensor)?.[1];
    if (short && targets.includes(short)) terms.set(tensor, {tensor, rank, scale: alpha / rank});
  }
  return terms;
}

/** @throws GemmaError as createTraining */
export function assembleTraining(base: TrainingBase, options: TrainingOptions, buffers: Buffers): TrainingAssembly {
  const {batchRows} = options;
  const training = trainingGraph(base.graph, wantedTerms(base.graph, options));
  const context: LoweringContext = {stored: (weight) => ofBatch(base.context.stored(weight), batchRows)};
  const layout = layOutFactors(sizedTerms(training, base.graph), base.maxBufferBytes);
  const parts: Record<string, number> = {};
  const counted = (part: string, buffer: GPUBuffer): GPUBuffer => {
    parts[part] = (parts[part] ?? 0) + buffer.size;
    return buffer;
  };
  const create = (part: string, label: string, bytes: number) =>
    counted(part, buffers.create(label, 'adapters', bytes));
  const bank = (part: string) => layout.banks.map((values, i) => create(part, `${part} ${i}`, 4 * values));
  const banks = {
    values: bank('adapter'),
    gradients: bank('gradients'),
    first: bank('moments'),
    second: bank('moments'),
  };

  const {dispatches, backwardFrom} = dispatchesOf(training, batchRows, context);
  const sizes = {rows: batchRows, outputs: batchRows};
  const logits = training.operations.flatMap(activationsOut).at(-1)!;
  const plan = planActivations({operations: training.operations, logits}, sizes);
  const activations = plan.sizes.map((bytes, i) => create('activations', `activations of training ${i}`, bytes));
  const scratch = new Map<string, GPUBuffer>();
  for (const [name, bytes] of scratchOf(dispatches)) scratch.set(name, create('loss and sums', name, bytes));
  const constants = new Map<ConstantTensor, GPUBuffer>();
  for (const operation of training.operations) {
    for (const input of inputsOf(operation)) {
      if (input.kind !== 'constant' || input.content.type === 'rope' || constants.has(input)) continue;
      const {type, values, perRow} = input.content;
      const all = Array.from({length: (perRow ? batchRows : 1) * values.length}, (_, i) => values[i % values.length]);
      const data = type === 'f32' ? Float32Array.from(all) : Uint32Array.from(all);
      constants.set(input, counted('rest', buffers.createFrom(input.name, 'adapters', data)));
    }
  }

  const each = (label: string, words = 1) => create('rest', label, 4 * words * batchRows);
  const step = counted('rest', buffers.createUniform('step of training', 4 * STEP_WORDS));
  const rows = each('rows of training', ROW_WORDS);
  const outputRows = each('output rows of training');
  const batch = {
    labels: each('labels'),
    weights: each('weights of labels'),
    outputOfRow: each('outputs of rows'),
  };
  const numbers = Uint32Array.from({length: batchRows}, (_, i) => i);
  const pageTables = counted('rest', buffers.createFrom('rows as pages', 'adapters', numbers));
  const hostedTable = hostedIn(training, base.context);
  const hosted =
    hostedTable &&
    create('rest', `${hostedTable.name} of a batch`, matrixBytes(hostedTable.type, hostedTable.width, batchRows));
  const slots =
    hosted &&
    counted(
      'rest',
      buffers.createFrom('slots of training', 'adapters', packRows(Array.from(numbers, (token) => ({token})))),
    );
  const lossSums = scratch.get('loss sums')!;

  const place = (activation: Activation): BufferBinding => {
    const index = plan.bufferOf.get(activation);
    if (index === undefined) throw new GemmaError('internal', `there is no buffer of ${activation.name}`);
    return {buffer: activations[index], offset: 0, size: activationBytes(activation, sizes)};
  };
  const bufferOf = (binding: Binding): BufferBinding | null => {
    if (typeof binding === 'string') {
      const known: Partial<Record<string, GPUBuffer | null>> = {step, rows, outputRows, pageTables, slots};
      return known[binding] ?? null;
    }
    switch (binding.kind) {
      case 'activation':
        return place(binding);
      case 'constant':
        return constants.get(binding) ?? null;
      case 'scratch':
        return scratch.get(binding.name) ?? null;
      case 'factor': {
        const {bank, first, length} = layout.places.get(binding.tensor)![binding.half];
        return {buffer: banks[binding.holds][bank], offset: 4 * first, size: 4 * length};
      }
      case 'batch':
        return batch[binding.holds];
      case 'slice':
        return base.context.stored(binding.weight).hosted ? hosted : null;
      default:
        return null;
    }
  };
  return {
    layout,
    banks,
    dispatches,
    backwardFrom,
    bufferOf,
    step,
    rows,
    outputRows,
    batch,
    lossSums,
    lossReadback: counted('rest', buffers.createReadback('losses readback', lossSumsBytes(batchRows))),
    squareSums: layout.banks.map((_, i) => create('rest', `squares ${i}`, 4 * SQUARE_SUMS)),
    squareReadback: counted('rest', buffers.createReadback('squares readback', 4 * SQUARE_SUMS * layout.banks.length)),
    settings: counted('rest', buffers.createUniform('settings of AdamW', 4 * 8)),
    hosted,
    parts,
  };
}

/** Of a table that stays with the host there are the rows of a batch. */
const ofBatch = (stored: StoredWeight, batchRows: number): StoredWeight =>
  stored.hosted ? {...stored, slices: [{firstRow: 0, nRows: batchRows}]} : stored;

function hostedIn({operations}: TrainingGraph, context: LoweringContext) {
  for (const operation of operations) {
    if (operation.kind !== 'getRows') continue;
    const {table} = operation.inputs;
    const {hosted, type} = context.stored(table);
    if (hosted) return {name: table.name, width: table.width, type};
  }
  return null;
}

function sizedTerms({terms}: TrainingGraph, {operations}: Graph): SizedTerm[] {
  const weights = new Map(
    operations.flatMap((one) => (one.kind === 'linear' ? [[one.inputs.weight.name, one.inputs.weight] as const] : [])),
  );
  return terms.map((term) => {
    const {width: nIn, nOut} = weights.get(term.tensor)!;
    return {...term, nIn, nOut};
  });
}

function dispatchesOf({operations, backwardFrom}: TrainingGraph, batchRows: number, context: LoweringContext) {
  const lowering = trainingLowering(batchRows);
  const table: Readonly<
    Record<string, (operation: never, context: LoweringContext) => readonly Parameters<typeof dispatchOf>[2][]>
  > = lowering;
  const dispatches: Dispatch[] = [];
  let first = 0;
  operations.forEach((operation, i) => {
    if (i === backwardFrom) first = dispatches.length;
    const stage = isOfOutputs(operation) ? 'head' : 'body';
    for (const work of table[operation.kind](operation as never, context)) {
      dispatches.push(dispatchOf(operation.name, stage, work));
    }
  });
  return {dispatches, backwardFrom: first};
}

/** Whether its rows are the output rows. */
const isOfOutputs = (operation: TrainingOperation): boolean =>
  operation.kind === 'loss' || operation.kind === 'lossBackward' || isOverOutputs(operation);

/** Bytes of what dispatches leave each other, by name: as much as the largest use. */
function scratchOf(dispatches: readonly Dispatch[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const binding of dispatches.flatMap(({bindings}) => Object.values(bindings))) {
    if (typeof binding === 'string' || binding.kind !== 'scratch') continue;
    sizes.set(binding.name, Math.max(binding.bytes, sizes.get(binding.name) ?? 0));
  }
  return sizes;
}

/** Where rows of a slice are in its buffer. */
export function partOfSlice(
  buffer: GPUBuffer,
  {firstRow, nRows}: {firstRow: number; nRows: number},
  strideWords: number,
): GPUBufferBinding {
  const rows = Math.ceil(nRows / ROWS_BESIDE) * ROWS_BESIDE;
  return {buffer, offset: 4 * strideWords * firstRow, size: 4 * strideWords * rows};
}
