// From operations to dispatches, still without a device: which kernel runs, with which constants, on which tensors, over
// how many rows. A lowering is a table with an entry for every kind of operation; one graph can be lowered in several
// ways. Knows no buffer.
import {type Constants, completeConstants, type Grid, type Kernel, type RowShape} from '../../gpu/kernel.ts';
import type {WeightType} from '../kernels/weight-types.ts';
import {
  type Activation,
  type AnyOperation,
  activationsOut,
  type CacheTensor,
  type ConstantTensor,
  type Graph,
  type Operation,
  type WeightTensor,
} from './graph.ts';
import {type Stage, stagesOf} from './stages.ts';

/** What changes from step to step about the work itself. */
export interface StepShape {
  nRows: number;
  /** Rows that go through the head. */
  nOutputs: number;
  /** Rows in front that continue an answer, one of a sequence each; the others are of prompts. */
  nDecode: number;
  /** Keys of the row that has most of them: its position + 1. */
  nKeys: number;
  /** Whether a row uses an adapter. Default: none does. */
  adapters?: boolean;
}

/** What of a step decides a grid. */
export interface DispatchShape extends RowShape {
  nKeys: number;
}

/**
 * The most rows of prompts in a step that kernels for few of them take. Measured on an H200: with small tiles 64 rows of 1B
 * take 13.9 ms, with large ones 16.5; of E2B 13.4 and 17.8.
 */
export const FEW_PROMPT_ROWS = 64;

/**
 * Which rows a dispatch covers: all of the operation's, those of one kind, or all where there are any of a prompt.
 * `fewPrompt` and `manyPrompt`: those of prompts, where they are at most FEW_PROMPT_ROWS, and where they are more. `adapted…`:
 * the same in steps in which a row uses an adapter.
 */
export type RowKind =
  | 'all'
  | 'decode'
  | 'prompt'
  | 'fewPrompt'
  | 'manyPrompt'
  | 'withPrompt'
  | 'adapted'
  | 'adaptedDecode'
  | 'adaptedPrompt';

/** The constant ROWS of a kernel, as in shaders/lib/row_range.wgsl. */
export const ROWS_CONSTANT: Readonly<Record<'all' | 'outputs' | 'decode' | 'prompt', number>> = {
  all: 0,
  outputs: 1,
  decode: 2,
  prompt: 3,
};

/** How a tensor of the file is stored where kernels read it. */
export interface StoredWeight {
  readonly type: WeightType;
  /** u32 words from one row to the next. */
  readonly strideWords: number;
  /** Rows by buffer: a tensor above a device's binding limit is cut. */
  readonly slices: readonly {readonly firstRow: number; readonly nRows: number}[];
  /** The table stays with the host, which brings the rows of a step, in the step's order, as its one slice. */
  readonly hosted: boolean;
}

/** Buffers that the engine writes before a step; see `StepBuffers`. */
export type StepBufferName =
  | 'step'
  | 'rows'
  | 'slots'
  | 'outputRows'
  | 'outputStep'
  | 'outputRowData'
  | 'pageTables'
  | 'slidingPageTables'
  | 'mixes';

/** What is bound: a buffer of the step, a slice of a weight, or any other tensor. */
export type Binding =
  | StepBufferName
  | {readonly kind: 'slice'; readonly weight: WeightTensor; readonly index: number}
  | Activation
  | CacheTensor
  | ConstantTensor
  | ScratchTensor
  | AdapterTensor
  | TrainingTensor;

/** What dispatches of one operation leave each other. One buffer a name, as large as any of them needs. */
export interface ScratchTensor {
  readonly kind: 'scratch';
  readonly name: string;
  readonly bytes: number;
}

/** Sums that one dispatch leaves to the next, which joins them. Never two at a time: attention and products share a buffer. */
export const partialSums = (bytes: number): ScratchTensor => ({kind: 'scratch', name: 'partial sums', bytes});

/** What the adapters that are loaded have at a site: their factors, or the table that says where each is. */
export interface AdapterTensor {
  readonly kind: 'adapters';
  readonly site: string;
  readonly holds: 'factors' | 'terms';
}

/** What only training has. */
export type TrainingTensor =
  /** A factor of a trained term, or its gradient. */
  | {readonly kind: 'factor'; readonly tensor: string; readonly half: 'a' | 'b'; readonly holds: 'values' | 'gradients'}
  /** Some rows of a slice of a weight, from a multiple of 64 on. */
  | {
      readonly kind: 'part';
      readonly weight: WeightTensor;
      readonly index: number;
      readonly firstRow: number;
      readonly nRows: number;
    }
  /** Of a batch's output rows: their labels and weights; and for each row which of them it is. */
  | {readonly kind: 'batch'; readonly holds: 'labels' | 'weights' | 'outputOfRow'};

/** One dispatch of an operation, as a lowering gives it. */
export interface Work {
  readonly kernel: Kernel<string, string, DispatchShape>;
  readonly constants: Constants<string>;
  readonly bindings: Readonly<Record<string, Binding>>;
  /** The grid's rows for each row of the operation: heads, where a kernel goes by heads. */
  readonly perRow: number;
  readonly rows: RowKind;
}

/** One dispatch of a recording. */
export interface Dispatch {
  readonly kernel: Work['kernel'];
  /** Complete, defaults filled in. */
  readonly constants: Readonly<Record<string, number>>;
  readonly bindings: Work['bindings'];
  /** What it computes and by which kernel: `blk.3.attn_q · mul_mat_q4_k`. */
  readonly label: string;
  readonly stage: Stage;
  shape(step: StepShape): DispatchShape;
  grid(step: StepShape): Grid;
}

/** What a lowering may ask about the tensors of a graph. */
export interface LoweringContext {
  stored(weight: WeightTensor): StoredWeight;
}

/** How each kind of operation is run. */
export type Lowering<O extends AnyOperation = Operation> = {
  readonly [K in O['kind']]: (operation: Extract<O, {kind: K}>, context: LoweringContext) => readonly Work[];
};

/** Rows of each kind that a stage covers in a step. */
const ROWS_OF: Readonly<Record<Stage, (step: StepShape, kind: RowKind) => number>> = {
  body: rowsOfKind,
  tail: (step, kind) => (step.nOutputs > 0 ? rowsOfKind(step, kind) : 0),
  // Each is the last of its sequence so far: kernels for rows that continue answers compute it.
  head: ({nOutputs, adapters}, kind) =>
    kind === 'all' || kind === 'decode' || (adapters && (kind === 'adapted' || kind === 'adaptedDecode'))
      ? nOutputs
      : 0,
};

function rowsOfKind({nRows, nDecode, adapters}: StepShape, kind: RowKind): number {
  const prompt = nRows - nDecode;
  const few = prompt <= FEW_PROMPT_ROWS;
  return {
    all: nRows,
    decode: nDecode,
    prompt,
    fewPrompt: few ? prompt : 0,
    manyPrompt: few ? 0 : prompt,
    withPrompt: prompt > 0 ? nRows : 0,
    adapted: adapters ? nRows : 0,
    adaptedDecode: adapters ? nDecode : 0,
    adaptedPrompt: adapters ? prompt : 0,
  }[kind];
}

/** The dispatches of a graph in order. */
export function lower<O extends AnyOperation>(
  graph: Graph<O>,
  lowering: Lowering<O>,
  context: LoweringContext,
): Dispatch[] {
  const stages = stagesOf(graph);
  const table: Readonly<Record<string, (operation: never, context: LoweringContext) => readonly Work[]>> = lowering;
  return graph.operations.flatMap((operation, i) =>
    table[operation.kind](operation as never, context).map((work) =>
      dispatchOf(operation.name, stages[i], overOutputs(operation) ? boundToOutputs(work) : work),
    ),
  );
}

/** Whether its rows are the step's output rows: all of the head but what selects them. */
const overOutputs = (operation: AnyOperation): boolean =>
  operation.kind !== 'selectOutputs' && activationsOut(operation).some(({over}) => over === 'outputs');

/** The same work on a step whose rows are the output rows. */
function boundToOutputs(work: Work): Work {
  const names: Partial<Record<string, StepBufferName>> = {step: 'outputStep', rows: 'outputRowData'};
  const bindings = Object.entries(work.bindings).map(([name, binding]) => {
    const replaced = typeof binding === 'string' ? names[binding] : undefined;
    return [name, replaced ?? binding];
  });
  return {...work, bindings: Object.fromEntries(bindings)};
}

/** A dispatch of something called `name`, over the rows of a stage. */
export function dispatchOf(
  name: string,
  stage: Stage,
  {kernel, constants: given, bindings, perRow, rows}: Work,
): Dispatch {
  const constants = completeConstants(kernel, given);
  const shape = (step: StepShape): DispatchShape => ({
    nRows: perRow * ROWS_OF[stage](step, rows),
    // Read only where a grid depends on it: all others are kept from step to step.
    get nKeys() {
      return step.nKeys;
    },
  });
  return {
    kernel,
    constants,
    bindings,
    label: `${name} · ${kernel.name}`,
    stage,
    shape,
    grid: (step) => kernel.grid(shape(step), constants),
  };
}

/** Work of a kernel; its names and those of what it is given must agree. */
export function work<B extends string, C extends string>(
  kernel: Kernel<B, C, DispatchShape>,
  constants: Constants<C>,
  bindings: Readonly<Record<B, Binding>>,
  {perRow = 1, rows = 'all'}: {perRow?: number; rows?: RowKind} = {},
): Work {
  return {kernel: kernel as unknown as Work['kernel'], constants, bindings, perRow, rows};
}
