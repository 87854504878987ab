// A forward pass as a value: a list of typed operations over named tensors. What runs it, plans its memory, fuses or
// differentiates it are functions of this list. Knows no device, no architecture and no kernel.
import {GemmaError} from '../../errors.ts';

/** What n is in an activation of [n][width]: the rows of a step, or those of them that go through the head. */
export type Extent = 'rows' | 'outputs';

/** f32 (or u32) [n][width]: computed in every step by one operation, and overwritten by none but an in-place one. */
export interface Activation {
  readonly kind: 'activation';
  readonly id: number;
  readonly name: string;
  readonly width: number;
  readonly over: Extent;
}

/** A tensor of the file: [nOut][nIn] in any weight type, a vector being one row. A stack of matrices is one above the other. */
export interface WeightTensor {
  readonly kind: 'weight';
  readonly id: number;
  readonly name: string;
  /** nIn: values of a row. */
  readonly width: number;
  readonly nOut: number;
}

/** Keys or values of one layer, f32 [slots][width], in pages. Lives longer than a step. */
export interface CacheTensor {
  readonly kind: 'cache';
  readonly id: number;
  readonly name: string;
  readonly width: number;
  readonly layer: number;
  readonly holds: 'keys' | 'values';
  /** Which page table finds its slots. */
  readonly group: 'full' | 'sliding';
}

/** Values that are known before the weights are. */
export interface ConstantTensor {
  readonly kind: 'constant';
  readonly id: number;
  readonly name: string;
  readonly width: number;
  readonly content: Numbers | RopeAngles;
}

/** A constant that is a list of numbers. */
export interface Numbers {
  readonly type: 'f32' | 'u32';
  readonly values: readonly number[];
  /** The values once for every row of a step, [n][width], instead of once. */
  readonly perRow: boolean;
}

/** cos and sin of every angle that a context needs: θ_i = base^(−2i / headDim) / (scale · factors[i]). */
export interface RopeAngles {
  readonly type: 'rope';
  readonly headDim: number;
  readonly base: number;
  /** Linear scaling: positions are divided by it. */
  readonly scale: number;
  readonly factors: WeightTensor | null;
}

/** Everything an operation reads or writes. */
export type Tensor = Activation | WeightTensor | CacheTensor | ConstantTensor;

/**
 * What every operation has. Its effects are all here: it reads `inputs`, writes `outputs`, and besides the outputs
 * changes nothing but the inputs that `inPlace` names.
 */
export interface AnyOperation {
  readonly kind: string;
  /** What it computes, for errors, profiles and captures: `blk.3.attn_q`. */
  readonly name: string;
  /** A null input is left out: a norm without a weight. */
  readonly inputs: Readonly<Record<string, Tensor | null>>;
  /** Activations it makes, and caches it writes to. */
  readonly outputs: Readonly<Record<string, Activation | CacheTensor>>;
  /** By output: the activation among the inputs whose buffer it is written to, and which is gone afterwards. */
  readonly inPlace?: Readonly<Record<string, string>>;
}

/** An operation of one kind. Inputs and outputs are by role, so that a rewrite can name them. */
export interface OperationOf<
  Kind extends string,
  Inputs extends AnyOperation['inputs'],
  Outputs extends AnyOperation['outputs'],
  Attributes = object,
> extends AnyOperation {
  readonly kind: Kind;
  readonly inputs: Readonly<Inputs>;
  readonly outputs: Readonly<Outputs>;
  readonly attributes: Readonly<Attributes>;
}

interface XToY {
  [name: string]: Activation;
  x: Activation;
}
interface Y {
  [name: string]: Activation;
  y: Activation;
}

/** The sizes of an attention, and how it scores. */
export interface AttentionAttributes {
  nHead: number;
  nHeadKv: number;
  headDim: number;
  /** Positions a query sees, its own included; 0: all. */
  window: number;
  /** Scores are multiplied by it. */
  scale: number;
  /** Then soft-capped: cap · tanh(score / cap); 0: they are not. */
  softcap: number;
}

/** The operations that models are written in. A lowering decides which kernel runs one. */
export type Operation =
  /** y[r] = scale · table[token of r] */
  | OperationOf<'getRows', {table: WeightTensor}, Y, {scale: number}>
  /** y[r] = W · x[r] */
  | OperationOf<'linear', {weight: WeightTensor; x: Activation}, Y>
  /**
   * y[r][s] = W_e · x[r] for the s-th expert e of row r, or W_e · x[r][s] where x has a vector for each. `weight` is a
   * stack of matrices of `expertRows` rows, of which `nOut` from `offset` on are used.
   */
  | OperationOf<
      'linearById',
      {weight: WeightTensor; x: Activation; experts: Activation | ConstantTensor},
      Y,
      {topK: number; expertRows: number; offset: number; nOut: number; perExpert: boolean}
    >
  /** experts[r] = the topK largest logits of r; weights[r] = softmax over those of factor · logits, times scale[e] */
  | OperationOf<
      'topExperts',
      {logits: Activation; scale: WeightTensor | null},
      {experts: Activation; weights: Activation},
      {topK: number; factor: number}
    >
  /** y[r] = Σ_s weights[r][s] · x[r][s] */
  | OperationOf<'sumExperts', {x: Activation; weights: Activation | ConstantTensor}, Y, {topK: number}>
  /** y = x / RMS(x) · weight for each vector of `size` */
  | OperationOf<'rmsNorm', {x: Activation; weight: WeightTensor | null}, Y, {size: number; eps: number}>
  /** y = each head of x rotated by the position of its row */
  | OperationOf<'rope', {x: Activation; angles: ConstantTensor}, Y, {headDim: number}>
  /** cache[slot of r] = x[r] */
  | OperationOf<'kvWrite', XToY, {cache: CacheTensor}>
  /** y[r] = softmax(scale · q[r] · keys) · values over the positions that r may see */
  | OperationOf<'attention', {q: Activation; keys: CacheTensor; values: CacheTensor}, Y, AttentionAttributes>
  /** y = (a + b) · scale[0]; a narrower b is added to each vector of its width in a */
  | OperationOf<'add', {a: Activation; b: Activation; scale: WeightTensor | ConstantTensor}, Y>
  /** y = gelu(gate) ⊙ up[offset … offset + width of gate) */
  | OperationOf<'geglu', {gate: Activation; up: Activation; offset: ConstantTensor}, Y>
  /** y[o] = x[output_rows[o]] */
  | OperationOf<'selectOutputs', XToY, Y>
  /** y[o] = the mean of x over the rows of text o, which begins at output_rows[o] */
  | OperationOf<'meanRows', XToY, Y>
  /** y = cap · tanh(x / cap), in place */
  | OperationOf<'softcap', XToY, Y, {cap: number}>
  /** y = max(x − (mean + kappa · std), 0), mean and standard deviation of each row */
  | OperationOf<'gaussianTopk', XToY, Y, {kappa: number}>
  /** y = each vector of x scaled to the root mean square of its row of `target` */
  | OperationOf<'matchRms', {x: Activation; target: Activation}, Y, {eps: number}>
  /** AltUp before a layer: each of four streams plus a mixture of all, in place. coefs: [n][16] */
  | OperationOf<
      'altupPredict',
      {coefs: Activation; active: Activation; others: Activation},
      {active: Activation; others: Activation},
      {factor: number}
    >
  /** AltUp after a layer: each stream moves by (1 + factor · coefs) · (activated − active), in place; scaled = active ⊙ scale */
  | OperationOf<
      'altupCorrect',
      {activated: Activation; coefs: Activation; scale: WeightTensor; active: Activation; others: Activation},
      {active: Activation; others: Activation; scaled: Activation},
      {factor: number}
    >;

/**
 * A forward pass in an order in which it can run: operations over a step's rows, then the head's over its output rows,
 * which run once for each batch of outputs. `O`: the operations it may have, more of them after a rewrite.
 */
export interface Graph<O extends AnyOperation = Operation> {
  readonly operations: readonly O[];
  /** [m][nVocab] */
  readonly logits: Activation;
}

/** What an operation reads. */
export const inputsOf = (operation: AnyOperation): Tensor[] =>
  Object.values(operation.inputs).filter((input) => input !== null);

/** The activations it reads. */
export const activationsIn = (operation: AnyOperation): Activation[] =>
  inputsOf(operation).filter((input) => input.kind === 'activation');

/** The activations it makes. */
export const activationsOut = (operation: AnyOperation): Activation[] =>
  Object.values(operation.outputs).filter((output) => output.kind === 'activation');

/** Whether it belongs to the head. */
export const isOverOutputs = (operation: AnyOperation): boolean =>
  activationsOut(operation).some(({over}) => over === 'outputs');

/** The activations it overwrites, each with the output that is written over it. */
export function overwritten({inputs, outputs, inPlace = {}}: AnyOperation): [from: Activation, to: Activation][] {
  return Object.entries(inPlace).map(([to, from]) => [inputs[from] as Activation, outputs[to] as Activation]);
}

/**
 * The head comes last; every activation is made once, before it is read, and not read after it was overwritten.
 * @throws GemmaError `internal` naming the operation
 */
export function checkGraph<G extends Graph<AnyOperation>>(graph: G): G {
  const state = new Map<Activation, 'made' | 'gone'>();
  let inHead = false;
  for (const operation of graph.operations) {
    if (inHead && !isOverOutputs(operation)) throw wrong(operation, 'it comes after the head');
    inHead = isOverOutputs(operation);
    for (const input of activationsIn(operation)) {
      const found = state.get(input) ?? 'not made';
      if (found !== 'made') throw wrong(operation, `${input.name} is ${found}`);
    }
    const replaced = overwritten(operation);
    for (const [from, to] of replaced) {
      if (
        from?.kind !== 'activation' ||
        to?.kind !== 'activation' ||
        from.width !== to.width ||
        from.over !== to.over
      ) {
        throw wrong(operation, 'it replaces what has another shape');
      }
      state.set(from, 'gone');
    }
    if (new Set(replaced.map(([from]) => from)).size < replaced.length) throw wrong(operation, 'it replaces one twice');
    for (const output of activationsOut(operation)) {
      if (state.has(output)) throw wrong(operation, `${output.name} is made twice`);
      state.set(output, 'made');
    }
  }
  if (state.get(graph.logits) !== 'made') throw new GemmaError('internal', 'the graph makes no logits');
  return graph;
}

const wrong = ({kind, name}: AnyOperation, why: string): GemmaError =>
  new GemmaError('internal', `operation ${kind} of ${name}: ${why}`);
