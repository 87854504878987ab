// From a forward pass to one that learns: the same operations over a batch of whole sequences, with low-rank terms after the
// products that are trained, then the loss, then a table's rule for each operation in reverse. Layers are computed again from
// what other layers gave them, so that only that is kept. Gradients are made where something trained is upstream. Knows no
// device, no kernel and no architecture.
import {GemmaError} from '../../errors.ts';
import {
  type Activation,
  type AnyOperation,
  type AttentionAttributes,
  activationsIn,
  activationsOut,
  type CacheTensor,
  type ConstantTensor,
  type Graph,
  type Operation,
  type OperationOf,
  overwritten,
  type Tensor,
  type WeightTensor,
} from './graph.ts';

/** A low-rank term that is trained: y += scale · B · (A · x). */
export interface TrainedTerm {
  /** The matrix it belongs to: `blk.0.attn_q.weight`. */
  readonly tensor: string;
  readonly rank: number;
  readonly scale: number;
}

interface TermAttributes {
  term: TrainedTerm;
}

interface Dx {
  [name: string]: Activation;
  dx: Activation;
}

/** An operation that may add to a gradient that is there: `into`, which is gone afterwards. */
interface Into {
  [name: string]: Activation | WeightTensor | ConstantTensor | null;
  dy: Activation;
  into: Activation | null;
}

/** What training has besides the operations of models. Of those, attention reads keys and values of the batch. */
export type TrainingOperation =
  | Exclude<Operation, {kind: 'attention' | 'kvWrite' | 'meanRows'}>
  /** y as attention's; logSums[r][head]: the logarithm of the softmax's denominator */
  | OperationOf<
      'batchAttention',
      {q: Activation; keys: Activation; values: Activation},
      {y: Activation; logSums: Activation},
      AttentionAttributes
    >
  /** t = A · x */
  | OperationOf<'lowRankInner', {x: Activation}, {t: Activation}, TermAttributes>
  /** y += scale · B · t, in place */
  | OperationOf<'lowRankOuter', {t: Activation; y: Activation}, {y: Activation}, TermAttributes>
  /** y = x */
  | OperationOf<'copy', {x: Activation}, {y: Activation}>
  /** Each output row's share of the loss, for the batch's labels; and where it is walked back, the gradient of x. */
  | OperationOf<'loss', {x: Activation; weight: WeightTensor}, Record<string, Activation>, {softcap: number}>
  | OperationOf<'lossBackward', {x: Activation; weight: WeightTensor}, Dx, {softcap: number}>
  /** dt = scale · Bᵀ · dy; B's gradient grows by scale · dyᵀ · t */
  | OperationOf<'lowRankOuterBackward', {dy: Activation; t: Activation}, {dt: Activation}, TermAttributes>
  /** A's gradient grows by dtᵀ · x; with `into`, it grows by Aᵀ · dt */
  | OperationOf<
      'lowRankInnerBackward',
      {dt: Activation; x: Activation; into: Activation | null},
      Record<string, Activation>,
      TermAttributes
    >
  | OperationOf<'linearBackward', Into & {weight: WeightTensor}, Dx>
  | OperationOf<'rmsNormBackward', Into & {x: Activation; weight: WeightTensor | null}, Dx, {size: number; eps: number}>
  | OperationOf<'ropeBackward', {dy: Activation; angles: ConstantTensor}, Dx, {headDim: number}>
  | OperationOf<
      'attentionBackward',
      {
        q: Activation;
        keys: Activation;
        values: Activation;
        y: Activation;
        logSums: Activation;
        dy: Activation;
        intoKeys: Activation | null;
        intoValues: Activation | null;
      },
      {dq: Activation; dkeys: Activation; dvalues: Activation},
      AttentionAttributes
    >
  /** Of one input of a sum; its width is dx's. */
  | OperationOf<'addBackward', Into & {scale: WeightTensor | ConstantTensor}, Dx>
  | OperationOf<
      'gegluBackward',
      {gate: Activation; up: Activation; dy: Activation},
      {dgate: Activation; dup: Activation}
    >
  | OperationOf<
      'gegluGateBackward',
      {gate: Activation; up: Activation; offset: ConstantTensor; dy: Activation},
      {dgate: Activation}
    >
  | OperationOf<'selectOutputsBackward', {dy: Activation}, Dx>
  | OperationOf<'softcapBackward', {y: Activation; dy: Activation}, Dx, {cap: number}>;

/** A batch's work: forward and loss, then backward from there. */
export interface TrainingGraph {
  readonly operations: readonly TrainingOperation[];
  /** Operations before it are the forward pass and the loss. */
  readonly backwardFrom: number;
  /** Terms that have an effect; those of unused matrices have none. */
  readonly terms: readonly TrainedTerm[];
}

/**
 * @param wanted terms by the name of their matrix
 * @throws GemmaError `architecture-unsupported` naming an operation that cannot be walked backwards; `option-invalid` where
 *   no product has a term
 */
export function trainingGraph(graph: Graph, wanted: ReadonlyMap<string, TrainedTerm>): TrainingGraph {
  return new Differentiation(graph, wanted).result();
}

/** A rule's way to hand on gradients. */
interface Rules {
  /** The value of an activation of the forward pass, which is computed again. */
  value(activation: Activation): Activation;
  wants(activation: Activation): boolean;
  gradient(like: Activation, name?: string): Activation;
  add(operation: TrainingOperation): void;
  /** A new gradient of `target`; added where there is one. */
  give(target: Activation, gradient: Activation): void;
  /** The gradient that `target` has so far, to be added to and replaced with what `replaced` gives. */
  into(target: Activation): Activation | null;
  replace(target: Activation, gradient: Activation): void;
  /** Something else has this gradient too, until it is used. */
  share(target: Activation, gradient: Activation): void;
}

type Rule<K extends TrainingOperation['kind']> = (
  operation: Extract<TrainingOperation, {kind: K}>,
  rules: Rules,
  /** Gradients of the outputs, by name. */
  dy: Readonly<Record<string, Activation>>,
) => void;

/** How each operation is walked backwards. Without an entry it cannot be. */
const RULES: {readonly [K in TrainingOperation['kind']]?: Rule<K>} = {
  linear({name, inputs: {weight, x}}, rules, {y: dy}) {
    if (!rules.wants(x)) return;
    const into = rules.into(x);
    const dx = rules.gradient(x);
    rules.add({
      kind: 'linearBackward',
      name: `${name} backward`,
      inputs: {dy, weight, into},
      outputs: {dx},
      inPlace: into ? {dx: 'into'} : {},
      attributes: {},
    });
    rules.replace(x, dx);
  },

  // Its y is the product's with the term: the product's own gradient is the same.
  lowRankOuter({name, inputs: {t, y}, attributes}, rules, {y: dy}) {
    const dt = rules.gradient(t);
    rules.add({
      kind: 'lowRankOuterBackward',
      name: `${name} backward`,
      inputs: {dy, t: rules.value(t)},
      outputs: {dt},
      attributes,
    });
    rules.give(t, dt);
    rules.share(y, dy);
  },

  lowRankInner({name, inputs: {x}, attributes}, rules, {t: dt}) {
    // Where the product's own gradient is not there yet, there is none to add to: a gradient of zeros would be made.
    const wanted = rules.wants(x);
    const into = wanted ? rules.into(x) : null;
    const dx = wanted ? rules.gradient(x) : undefined;
    rules.add({
      kind: 'lowRankInnerBackward',
      name: `${name} backward`,
      inputs: {dt, x: rules.value(x), into},
      outputs: dx ? {dx} : {},
      inPlace: into ? {dx: 'into'} : {},
      attributes,
    } as TrainingOperation);
    if (dx) rules.replace(x, dx);
  },

  rmsNorm({name, inputs: {x, weight}, attributes}, rules, {y: dy}) {
    const into = rules.into(x);
    const dx = rules.gradient(x);
    rules.add({
      kind: 'rmsNormBackward',
      name: `${name} backward`,
      inputs: {dy, x: rules.value(x), weight, into},
      outputs: {dx},
      inPlace: into ? {dx: 'into'} : {},
      attributes,
    });
    rules.replace(x, dx);
  },

  rope({name, inputs: {x, angles}, attributes}, rules, {y: dy}) {
    const dx = rules.gradient(x);
    rules.add({kind: 'ropeBackward', name: `${name} backward`, inputs: {dy, angles}, outputs: {dx}, attributes});
    rules.give(x, dx);
  },

  batchAttention({name, inputs: {q, keys, values}, outputs: {y, logSums}, attributes}, rules, {y: dy}) {
    const [dq, dkeys, dvalues] = [q, keys, values].map((input) => rules.gradient(input));
    const [intoKeys, intoValues] = [keys, values].map((input) => rules.into(input));
    const inPlace = {...(intoKeys && {dkeys: 'intoKeys'}), ...(intoValues && {dvalues: 'intoValues'})};
    rules.add({
      kind: 'attentionBackward',
      name: `${name} backward`,
      inputs: {
        q: rules.value(q),
        keys: rules.value(keys),
        values: rules.value(values),
        y: rules.value(y),
        logSums: rules.value(logSums),
        dy,
        intoKeys,
        intoValues,
      },
      outputs: {dq, dkeys, dvalues},
      inPlace,
      attributes,
    });
    rules.give(q, dq);
    rules.replace(keys, dkeys);
    rules.replace(values, dvalues);
  },

  add({name, inputs: {a, b, scale}}, rules, {y: dy}) {
    const isOne = scale.kind === 'constant' && scale.content.type === 'f32' && scale.content.values[0] === 1;
    for (const input of [a, b]) {
      if (!rules.wants(input)) continue;
      if (isOne && input.width === dy.width) {
        rules.share(input, dy);
        continue;
      }
      const into = rules.into(input);
      const dx = rules.gradient(input);
      rules.add({
        kind: 'addBackward',
        name: `${name} backward`,
        inputs: {dy, scale, into},
        outputs: {dx},
        inPlace: into ? {dx: 'into'} : {},
        attributes: {},
      });
      rules.replace(input, dx);
    }
  },

  geglu({name, inputs: {gate, up, offset}}, rules, {y: dy}) {
    const dgate = rules.gradient(gate);
    const inputs = {gate: rules.value(gate), up: rules.value(up), dy};
    if (!rules.wants(up)) {
      rules.add({
        kind: 'gegluGateBackward',
        name: `${name} backward`,
        inputs: {...inputs, offset},
        outputs: {dgate},
        attributes: {},
      });
    } else {
      if (up.width !== gate.width) throw unsupported('geglu', name, 'a part of its second input is trained');
      const dup = rules.gradient(up);
      rules.add({
        kind: 'gegluBackward',
        name: `${name} backward`,
        inputs,
        outputs: {dgate, dup},
        attributes: {},
      });
      rules.give(up, dup);
    }
    if (rules.wants(gate)) rules.give(gate, dgate);
  },

  selectOutputs({name, inputs: {x}}, rules, {y: dy}) {
    const dx = rules.gradient(x);
    rules.add({kind: 'selectOutputsBackward', name: `${name} backward`, inputs: {dy}, outputs: {dx}, attributes: {}});
    rules.give(x, dx);
  },

  softcap({name, inputs: {x}, outputs: {y}, attributes}, rules, {y: dy}) {
    const dx = rules.gradient(x);
    const inputs = {y: rules.value(y), dy};
    rules.add({kind: 'softcapBackward', name: `${name} backward`, inputs, outputs: {dx}, attributes});
    rules.give(x, dx);
  },

  copy({inputs: {x}}, rules, {y: dy}) {
    rules.share(x, dy);
  },

  lossBackward() {},
};

/** Operations of one layer, or those before or after all layers. */
interface Segment {
  readonly operations: TrainingOperation[];
}

class Differentiation {
  readonly #graph: Graph;
  readonly #wanted: ReadonlyMap<string, TrainedTerm>;
  readonly #terms: TrainedTerm[] = [];
  readonly #segments: Segment[] = [];
  /** By activation of the forward pass. */
  readonly #segmentOf = new Map<Activation, Segment>();
  /** Those whose gradient leads to a term. */
  readonly #wants = new Set<Activation>();
  /** Read in another segment than where they are made: kept. */
  readonly #kept = new Set<Activation>();
  /** Gradients of what is not walked back yet, by activation of the forward pass. */
  readonly #gradients = new Map<Activation, Activation>();
  #backward: TrainingOperation[] = [];
  /** Values of the forward pass that the backward operations of a segment read. */
  #needed = new Set<Activation>();
  #nextId: number;

  constructor(graph: Graph, wanted: ReadonlyMap<string, TrainedTerm>) {
    this.#graph = graph;
    this.#wanted = wanted;
    this.#nextId = 1 + Math.max(0, ...graph.operations.flatMap(activationsOut).map(({id}) => id));
  }

  result(): TrainingGraph {
    const {weight, x, softcap, last} = headOf(this.#graph);
    this.#forward(last);
    if (this.#terms.length === 0) {
      throw new GemmaError('option-invalid', 'no matrix of the model has one of the names in `targets`', {
        detail: {option: 'targets'},
      });
    }
    const head = {kind: 'loss', name: 'loss', inputs: {x, weight}, outputs: {}, attributes: {softcap}} as const;
    const forward: TrainingOperation[] = [...this.#segments.flatMap(({operations}) => operations), head];
    const all = [...forward];
    const dx = this.#like(x, 'loss backward');
    all.push({...head, kind: 'lossBackward', name: 'loss backward', outputs: {dx}});
    this.#gradients.set(x, dx);
    this.#kept.add(x);
    for (const segment of [...this.#segments].reverse()) all.push(...this.#walkBack(segment));
    checkOrder(all);
    return {operations: all, backwardFrom: forward.length, terms: this.#terms};
  }

  /** The forward pass up to the head, in segments. */
  #forward(last: Operation): void {
    const caches = new Map<CacheTensor, Activation>();
    /** What takes the place of an activation of the model's graph. */
    const replaced = new Map<Activation, Activation>();
    let prefix: string | null = null;
    for (const operation of this.#graph.operations) {
      if (operation.kind === 'kvWrite') {
        caches.set(operation.outputs.cache, replaced.get(operation.inputs.x) ?? operation.inputs.x);
        continue;
      }
      const own = /^blk\.\d+\./.exec(operation.name)?.[0] ?? '';
      if (own !== prefix) this.#segments.push({operations: []});
      prefix = own;
      for (const one of this.#inTraining(exchange(operation, replaced), caches, replaced)) this.#append(one);
      if (operation === last) break;
    }
  }

  /** The operation over a batch, with the term of its matrix; what it would overwrite is copied first. */
  #inTraining(
    operation: Operation,
    caches: ReadonlyMap<CacheTensor, Activation>,
    replaced: Map<Activation, Activation>,
  ): TrainingOperation[] {
    const {kind, name} = operation;
    if (kind === 'attention') {
      const {q, keys, values} = operation.inputs;
      const {y} = operation.outputs;
      const logSums = this.#new(`${name} log sums`, operation.attributes.nHead);
      const inputs = {q, keys: caches.get(keys)!, values: caches.get(values)!};
      return [{kind: 'batchAttention', name, inputs, outputs: {y, logSums}, attributes: operation.attributes}];
    }
    if (kind === 'meanRows' || kind === 'kvWrite') throw unsupported(kind, name, 'it is no part of a decoder');
    if (kind === 'linear') {
      const {weight, x} = operation.inputs;
      const term = this.#wanted.get(weight.name);
      if (!term) return [operation];
      this.#terms.push(term);
      const t = this.#new(`${name} low-rank`, term.rank);
      const y = this.#like(operation.outputs.y, `${name} with its term`);
      replaced.set(operation.outputs.y, y);
      return [
        {kind: 'lowRankInner', name, inputs: {x}, outputs: {t}, attributes: {term}},
        operation,
        {
          kind: 'lowRankOuter',
          name,
          inputs: {t, y: operation.outputs.y},
          outputs: {y},
          inPlace: {y: 'y'},
          attributes: {term},
        },
      ];
    }
    const copies: TrainingOperation[] = [];
    const inputs: Record<string, Tensor | null> = {...operation.inputs};
    for (const from of Object.values(operation.inPlace ?? {})) {
      const x = inputs[from] as Activation;
      const y = this.#like(x, `${x.name} copied`);
      copies.push({kind: 'copy', name, inputs: {x}, outputs: {y}, attributes: {}});
      inputs[from] = y;
    }
    return [...copies, {...operation, inputs} as TrainingOperation];
  }

  #append(operation: TrainingOperation): void {
    const segment = this.#segments.at(-1)!;
    segment.operations.push(operation);
    const trained = operation.kind === 'lowRankInner' || operation.kind === 'lowRankOuter';
    const wants = trained || activationsIn(operation).some((input) => this.#wants.has(input));
    for (const input of activationsIn(operation)) {
      if (this.#segmentOf.get(input) !== segment) this.#kept.add(input);
    }
    for (const output of activationsOut(operation)) {
      this.#segmentOf.set(output, segment);
      if (wants) this.#wants.add(output);
    }
  }

  /** What of the segment has to be computed again, then its gradients. */
  #walkBack({operations}: Segment): TrainingOperation[] {
    this.#backward = [];
    this.#needed = new Set();
    for (const operation of [...operations].reverse()) {
      const dy: Record<string, Activation> = {};
      for (const [name, output] of Object.entries(operation.outputs) as [string, Activation][]) {
        const gradient = this.#gradients.get(output);
        if (!gradient) continue;
        dy[name] = gradient;
        this.#gradients.delete(output);
      }
      if (Object.keys(dy).length === 0 || !activationsOut(operation).some((output) => this.#wants.has(output)))
        continue;
      const rule = RULES[operation.kind] as Rule<TrainingOperation['kind']> | undefined;
      if (!rule) throw unsupported(operation.kind, operation.name, 'there is no rule for it');
      rule(operation as never, this.#rules(), dy);
    }
    // From the last to the first: what an operation that is needed reads is needed too.
    const again: TrainingOperation[] = [];
    const needed = new Set([...this.#needed].filter((value) => !this.#kept.has(value)));
    for (const operation of [...operations].reverse()) {
      if (!activationsOut(operation).some((output) => needed.has(output))) continue;
      again.unshift(operation);
      for (const input of activationsIn(operation)) if (!this.#kept.has(input)) needed.add(input);
    }
    const copies = new Map<Activation, Activation>();
    const repeated = again.map((operation) => {
      for (const output of activationsOut(operation)) copies.set(output, this.#like(output, `${output.name} again`));
      return exchangeAll({...operation, name: `${operation.name} again`}, copies);
    });
    return [...repeated, ...this.#backward.map((operation) => exchange(operation, copies))];
  }

  #rules(): Rules {
    const shared = (gradient: Activation) => [...this.#gradients.values()].filter((one) => one === gradient).length;
    const into = (target: Activation): Activation | null => {
      const gradient = this.#gradients.get(target);
      if (!gradient) return null;
      if (shared(gradient) < 2) return gradient;
      // Another still needs it as it is.
      const copy = this.#like(gradient, gradient.name);
      this.#backward.push({
        kind: 'copy',
        name: gradient.name,
        inputs: {x: gradient},
        outputs: {y: copy},
        attributes: {},
      });
      return copy;
    };
    return {
      value: (activation) => {
        this.#needed.add(activation);
        return activation;
      },
      wants: (activation) => this.#wants.has(activation),
      gradient: (like, name = `gradient of ${like.name}`) => this.#like(like, name),
      add: (operation) => this.#backward.push(operation),
      into,
      replace: (target, gradient) => {
        if (this.#wants.has(target)) this.#gradients.set(target, gradient);
      },
      give: (target, gradient) => this.#give(target, gradient, into),
      share: (target, gradient) => this.#give(target, gradient, into),
    };
  }

  #give(target: Activation, gradient: Activation, into: (target: Activation) => Activation | null): void {
    if (!this.#wants.has(target)) return;
    const before = into(target);
    if (!before) {
      this.#gradients.set(target, gradient);
      return;
    }
    const dx = this.#like(target, `gradient of ${target.name}`);
    this.#backward.push({
      kind: 'addBackward',
      name: `gradient of ${target.name}`,
      inputs: {dy: gradient, scale: ONE, into: before},
      outputs: {dx},
      inPlace: {dx: 'into'},
      attributes: {},
    });
    this.#gradients.set(target, dx);
  }

  #new(name: string, width: number): Activation {
    return {kind: 'activation', id: this.#nextId++, name, width, over: 'rows'};
  }

  #like({width, over}: Activation, name: string): Activation {
    return {kind: 'activation', id: this.#nextId++, name, width, over};
  }
}

/** A scale of 1, where gradients are added up. */
export const ONE: ConstantTensor = {
  kind: 'constant',
  id: -1,
  name: 'one',
  width: 1,
  content: {type: 'f32', values: [1], perRow: false},
};

/** The product that makes logits, what it reads, and the last operation before it. */
function headOf({operations, logits}: Graph) {
  const makerOf = (activation: Activation) => operations.find((one) => activationsOut(one).includes(activation));
  let softcap = 0;
  let maker = makerOf(logits);
  if (maker?.kind === 'softcap') {
    softcap = maker.attributes.cap;
    maker = makerOf(maker.inputs.x);
  }
  if (maker?.kind !== 'linear') throw unsupported(maker?.kind ?? 'logits', logits.name, 'the head is no product');
  const {x, weight} = maker.inputs;
  return {x, weight, softcap, last: makerOf(x)!};
}

/** The operation with other activations in the place of those it reads. */
function exchange<O extends AnyOperation>(operation: O, by: ReadonlyMap<Activation, Activation>): O {
  return {...operation, inputs: mapped(operation.inputs, by)};
}

/** And of those it makes. */
const exchangeAll = <O extends AnyOperation>(operation: O, by: ReadonlyMap<Activation, Activation>): O =>
  exchange({...operation, outputs: mapped(operation.outputs, by)}, by);

const mapped = <T extends object>(tensors: T, by: ReadonlyMap<Activation, Activation>): T =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, by.get(tensor) ?? tensor])) as T;

/** Nothing is read before it is made, nor after it was overwritten. @throws GemmaError `internal` */
function checkOrder(operations: readonly AnyOperation[]): void {
  const there = new Set<Activation>();
  for (const operation of operations) {
    for (const input of activationsIn(operation)) {
      if (!there.has(input)) {
        throw new GemmaError('internal', `${operation.kind} of ${operation.name}: ${input.name} is not there`);
      }
    }
    for (const [from] of overwritten(operation)) there.delete(from);
    for (const output of activationsOut(operation)) there.add(output);
  }
}

function unsupported(kind: string, name: string, why: string): GemmaError {
  return new GemmaError(
    'architecture-unsupported',
    `this model cannot be trained: ${kind} of ${name} cannot be walked backwards (${why})`,
    {detail: {operation: kind, name}},
  );
}
