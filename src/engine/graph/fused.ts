// Rewrites of a forward pass: neighbours that one kernel can run become one operation. Each is a function with a switch
// of its own; what it makes means the same as what it replaces. All architectures profit where a pattern occurs.
import {preparesQueries} from '../kernels/attention_split.ts';
import {
  type Activation,
  type AnyOperation,
  type AttentionAttributes,
  activationsIn,
  type CacheTensor,
  type ConstantTensor,
  checkGraph,
  type Graph,
  type Operation,
  type OperationOf,
  type WeightTensor,
} from './graph.ts';
import type {LoweringContext} from './lowering.ts';
import {type Stage, stagesOf} from './stages.ts';

type OperationKind<K extends Operation['kind']> = Extract<Operation, {kind: K}>;

export interface QkvAttributes {
  nHead: number;
  nHeadKv: number;
  headDim: number;
  /** Queries and keys are normed a head. */
  headNorms: boolean;
  normValues: boolean;
  /** There are no values of their own: they are the keys as projected. */
  valuesFromKeys: boolean;
  eps: number;
}

/** A branch's output x, its norm, the stream h it is added to, and the next norm. */
type NormAddNormInputs = {
  x: Activation;
  weight: WeightTensor;
  h: Activation;
  scale: WeightTensor | ConstantTensor;
  nextWeight: WeightTensor;
};

/** What rewrites make of the operations that models are written in. */
export type FusedOperation =
  | Operation
  /** y[r] = (A · x[r], B · x[r], C · x[r]) beside each other */
  | OperationOf<
      'linearParts',
      {x: Activation; a: WeightTensor; b: WeightTensor; c: WeightTensor | null},
      {y: Activation}
    >
  /** y = gelu(Gate · x) ⊙ (Up · x). `ups` is room for them where prompts are computed apart: gates are in y then. */
  | OperationOf<
      'gatedLinear',
      {x: Activation; gate: WeightTensor; up: WeightTensor; offset: ConstantTensor},
      {y: Activation; ups: Activation}
    >
  /** y = gelu(W · x) ⊙ up[offset … offset + width of y) */
  | OperationOf<
      'geluLinear',
      {x: Activation; weight: WeightTensor; up: Activation; offset: ConstantTensor},
      {y: Activation}
    >
  /** sum = (h + y / RMS(y) · weight) · scale[0], vectors of `size` */
  | OperationOf<
      'normAdd',
      {y: Activation; weight: WeightTensor; h: Activation; scale: WeightTensor | ConstantTensor},
      {sum: Activation},
      {size: number; eps: number}
    >
  /** The same for whole rows, and normed = sum / RMS(sum) · nextWeight */
  | OperationOf<
      'normAddNorm',
      {y: Activation} & Omit<NormAddNormInputs, 'x'>,
      {sum: Activation; normed: Activation},
      {eps: number}
    >
  /** normAddNorm, then the linearParts of normed: y. `normed` is room for it where prompts are computed apart */
  | OperationOf<
      'normedParts',
      NormAddNormInputs & {a: WeightTensor; b: WeightTensor; c: WeightTensor | null},
      {sum: Activation; normed: Activation; y: Activation},
      {eps: number}
    >
  /** normAddNorm, then the gatedLinear of normed: y. `normed` and `ups` are room for prompts */
  | OperationOf<
      'normedGated',
      NormAddNormInputs & {gate: WeightTensor; up: WeightTensor; offset: ConstantTensor},
      {sum: Activation; normed: Activation; y: Activation; ups: Activation},
      {eps: number}
    >
  /** q: the queries of qkv normed and rotated, in place; keys likewise and values, written to the caches */
  | OperationOf<
      'qkvPrepare',
      {qkv: Activation; qWeight: WeightTensor | null; kWeight: WeightTensor | null; angles: ConstantTensor},
      {q: Activation; keys: CacheTensor; values: CacheTensor},
      QkvAttributes
    >
  /**
   * qkvPrepare, then attention over the caches that it wrote: y. q is in place of qkv, for prompts; rows that continue answers
   * may leave it as projected
   */
  | OperationOf<
      'qkvAttention',
      {qkv: Activation; qWeight: WeightTensor | null; kWeight: WeightTensor | null; angles: ConstantTensor},
      {q: Activation; keys: CacheTensor; values: CacheTensor; y: Activation},
      QkvAttributes & AttentionAttributes
    >
  /** qPrepare, then attention over another layer's caches: y. `prepared` is room for the queries of prompts */
  | OperationOf<
      'qAttention',
      {q: Activation; weight: WeightTensor; angles: ConstantTensor; keys: CacheTensor; values: CacheTensor},
      {prepared: Activation; y: Activation},
      {eps: number} & AttentionAttributes
    >
  /** y += the low-rank terms that each row's adapters have at a site (low-rank.ts); without x: by its token */
  | OperationOf<
      'lowRank',
      {x: Activation | null; y: Activation},
      {y: Activation},
      {site: string; factor: number; nTerms: number; nColumns: number}
    >
  /**
   * y = gelu(gate) ⊙ up of what a product of x leaves beside each other, each with the low-rank terms that a row's adapters
   * have at a site. `sums` is room for them where they are added apart.
   */
  | OperationOf<
      'lowRankGated',
      {x: Activation; gateUp: Activation},
      {y: Activation; sums: Activation},
      {site: string; nTerms: number; nColumns: number}
    >
  /** y = q normed a head and rotated */
  | OperationOf<
      'qPrepare',
      {q: Activation; weight: WeightTensor; angles: ConstantTensor},
      {y: Activation},
      {nHead: number; headDim: number; eps: number}
    >;

/** One rewrite each. */
export interface Fusions {
  /** Queries, keys and values in one product; head norms, RoPE and cache writes in one dispatch. */
  qkv: boolean;
  /** Gate, up and GeGLU in one, also where up is there already. */
  gated: boolean;
  /** A branch's norm, the residual and the next norm in one. */
  norms: boolean;
  /** What `qkv` leaves in front of attention becomes part of it. With `qkv` only. */
  prepared: boolean;
  /** What `norms` leaves in front of a product becomes part of it, for rows of at most so many values; 0: of none. */
  normed: number;
}

/** All that run on every device. */
export const ALL_FUSIONS: Fusions = {qkv: true, gated: true, norms: true, prepared: false, normed: 0};

/** Tensors to whose products something is added: gates and ups of these stay products, beside each other where they can. */
export type Kept = Pick<ReadonlySet<string>, 'has'>;

/** The graph with the rewrites that are asked for; `keep`: whose products stay apart. */
export function fuse(
  graph: Graph,
  {qkv, gated, norms, prepared, normed}: Fusions,
  context: LoweringContext,
  keep: Kept = new Set(),
): Graph<FusedOperation> {
  const rewriting = new Rewriting(graph, context);
  if (qkv) fuseQkv(rewriting, prepared ? stagesOf(graph) : []);
  if (gated) fuseGated(rewriting, keep);
  if (norms) fuseNorms(rewriting);
  return checkGraph(fuseNormed(rewriting.finish(), normed, context));
}

/** A graph while operations are replaced. */
class Rewriting {
  readonly operations: readonly Operation[];
  readonly context: LoweringContext;
  readonly #logits: Activation;
  readonly #replaced = new Map<AnyOperation, FusedOperation | null>();
  readonly #makers = new Map<Activation, Operation>();
  readonly #readers = new Map<Activation, Operation[]>();
  #nextId: number;

  constructor({operations, logits}: Graph, context: LoweringContext) {
    this.operations = operations;
    this.context = context;
    this.#logits = logits;
    let largest = 0;
    for (const operation of operations) {
      for (const output of Object.values(operation.outputs)) {
        largest = Math.max(largest, output.id);
        if (output.kind === 'activation') this.#makers.set(output, operation);
      }
      for (const input of new Set(activationsIn(operation))) {
        this.#readers.set(input, [...(this.#readers.get(input) ?? []), operation]);
      }
    }
    // Above every tensor's: constants are counted with activations.
    this.#nextId = largest + 1_000_000;
  }

  /** The operation of this kind that makes `tensor`, unless it was fused already. */
  maker<K extends Operation['kind']>(tensor: Activation, kind: K): OperationKind<K> | undefined {
    const maker = this.#makers.get(tensor);
    return maker?.kind === kind && !this.#replaced.has(maker) ? (maker as OperationKind<K>) : undefined;
  }

  readers(tensor: Activation): readonly Operation[] {
    return this.#readers.get(tensor) ?? [];
  }

  /** The one operation that reads a tensor which nothing else needs. */
  onlyReader(tensor: Activation): Operation | undefined {
    const readers = this.readers(tensor);
    return readers.length === 1 && tensor !== this.#logits && !this.#replaced.has(readers[0]) ? readers[0] : undefined;
  }

  fused(operation: Operation): boolean {
    return this.#replaced.has(operation);
  }

  activation(name: string, width: number, like: Activation): Activation {
    return {kind: 'activation', id: this.#nextId++, name, width, over: like.over};
  }

  /** Whether products of few rows can read it in one piece, as part of a larger product. */
  whole(weight: WeightTensor): boolean {
    const {slices} = this.context.stored(weight);
    return slices.length === 1 && weight.nOut % 4 === 0 && weight.width % 4 === 0;
  }

  /** Puts `fused` in the place of `at`; the others vanish. */
  replace(at: Operation, fused: FusedOperation, others: readonly Operation[]): void {
    this.#replaced.set(at, fused);
    for (const other of others) if (other !== at) this.#replaced.set(other, null);
  }

  finish(): Graph<FusedOperation> {
    const operations = this.operations.flatMap((operation): FusedOperation[] => {
      const fused = this.#replaced.get(operation);
      if (fused === undefined) return [operation];
      return fused ? [fused] : [];
    });
    return {operations, logits: this.#logits};
  }
}

/** The projection that makes queries or keys: rope ← (norm of heads) ← linear, nothing else reading what is between. */
function projection(rewriting: Rewriting, rotated: Activation) {
  const rope = rewriting.maker(rotated, 'rope');
  if (!rope) return undefined;
  const norm = rewriting.maker(rope.inputs.x, 'rmsNorm');
  if (norm && (norm.attributes.size !== rope.attributes.headDim || !norm.inputs.weight)) return undefined;
  const linear = rewriting.maker(norm ? norm.inputs.x : rope.inputs.x, 'linear');
  if (!linear || !rewriting.whole(linear.inputs.weight)) return undefined;
  if (rewriting.onlyReader(rotated) === undefined || rewriting.onlyReader(rope.inputs.x) !== rope) return undefined;
  return {rope, norm, linear, between: norm ? [rope, norm] : [rope]};
}

/** `stages`: of all operations, where attention is to prepare its queries itself. */
function fuseQkv(rewriting: Rewriting, stages: readonly Stage[]): void {
  for (const [i, attention] of rewriting.operations.entries()) {
    if (attention.kind !== 'attention') continue;
    const {nHead, nHeadKv, headDim} = attention.attributes;
    const q = projection(rewriting, attention.inputs.q);
    if (!q || rewriting.onlyReader(q.linear.outputs.y) === undefined) continue;
    const {angles} = q.rope.inputs;
    const writes = rewriting.operations.slice(0, i).filter((one) => one.kind === 'kvWrite');
    const keyWrite = writes.findLast(({outputs}) => outputs.cache === attention.inputs.keys);
    const valueWrite = writes.findLast(({outputs}) => outputs.cache === attention.inputs.values);
    const k = keyWrite && projection(rewriting, keyWrite.inputs.x);
    if (!keyWrite || !valueWrite || !k || k.linear.inputs.x !== q.linear.inputs.x) {
      // Another layer's keys and values.
      if (!q.norm?.inputs.weight) continue;
      const {eps} = q.norm.attributes;
      if (stages.length > 0 && preparesQueries(attention.attributes)) {
        const {keys, values} = attention.inputs;
        const fused: FusedOperation = {
          kind: 'qAttention',
          name: attention.name,
          inputs: {q: q.linear.outputs.y, weight: q.norm.inputs.weight, angles, keys, values},
          outputs: {prepared: q.rope.outputs.y, y: attention.outputs.y},
          attributes: {...attention.attributes, eps},
        };
        rewriting.replace(attention, fused, q.between);
        continue;
      }
      const attributes = {nHead, headDim, eps};
      const prepare: FusedOperation = {
        kind: 'qPrepare',
        name: q.linear.name.replace(/_q$/, '_q_prepare'),
        inputs: {q: q.linear.outputs.y, weight: q.norm.inputs.weight, angles},
        outputs: {y: q.rope.outputs.y},
        attributes,
      };
      rewriting.replace(q.rope, prepare, q.between);
      continue;
    }
    if (k.rope.inputs.angles !== angles || Boolean(k.norm) !== Boolean(q.norm)) continue;
    const valueNorm = rewriting.maker(valueWrite.inputs.x, 'rmsNorm');
    if (valueNorm && (valueNorm.inputs.weight || valueNorm.attributes.size !== headDim)) continue;
    const v = rewriting.maker(valueNorm ? valueNorm.inputs.x : valueWrite.inputs.x, 'linear');
    if (!v || v.inputs.x !== q.linear.inputs.x || !rewriting.whole(v.inputs.weight)) continue;
    const valuesFromKeys = v === k.linear;
    const readersOfKeys = rewriting.readers(k.linear.outputs.y).length;
    const expected = valuesFromKeys ? 2 : 1;
    if (readersOfKeys !== expected || (!valuesFromKeys && rewriting.onlyReader(v.outputs.y) === undefined)) continue;
    const eps = [q.norm, k.norm, valueNorm].flatMap((norm) => (norm ? [norm.attributes.eps] : []));
    if (new Set(eps).size > 1) continue;

    const {x} = q.linear.inputs;
    const width = headDim * (nHead + (valuesFromKeys ? 1 : 2) * nHeadKv);
    const name = q.linear.name.replace(/_q$/, '_qkv');
    const qkv = rewriting.activation(name, width, x);
    const prepared = rewriting.activation(`${name}_prepared`, width, x);
    const linears = valuesFromKeys ? [q.linear, k.linear] : [q.linear, k.linear, v];
    const parts: FusedOperation = {
      kind: 'linearParts',
      name,
      inputs: {
        x,
        a: q.linear.inputs.weight,
        b: k.linear.inputs.weight,
        c: valuesFromKeys ? null : v.inputs.weight,
      },
      outputs: {y: qkv},
      attributes: {},
    };
    const inputs = {qkv, qWeight: q.norm?.inputs.weight ?? null, kWeight: k.norm?.inputs.weight ?? null, angles};
    const caches = {keys: keyWrite.outputs.cache, values: valueWrite.outputs.cache};
    const attributes: QkvAttributes = {
      nHead,
      nHeadKv,
      headDim,
      headNorms: Boolean(q.norm),
      normValues: Boolean(valueNorm),
      valuesFromKeys,
      eps: eps[0] ?? 0,
    };
    rewriting.replace(q.linear, parts, linears);
    const between = [...q.between, ...k.between, ...(valueNorm ? [valueNorm] : []), keyWrite, valueWrite];
    // Where nothing but logits follows, attention may run over fewer rows than keys and values.
    if (stages[i] === 'body' && preparesQueries(attention.attributes)) {
      const fused: FusedOperation = {
        kind: 'qkvAttention',
        name: attention.name,
        inputs,
        outputs: {q: prepared, ...caches, y: attention.outputs.y},
        inPlace: {q: 'qkv'},
        attributes: {...attention.attributes, ...attributes},
      };
      rewriting.replace(attention, fused, between);
      continue;
    }
    const prepare: FusedOperation = {
      kind: 'qkvPrepare',
      name: `${name}_prepare`,
      inputs,
      outputs: {q: prepared, ...caches},
      inPlace: {q: 'qkv'},
      attributes,
    };
    rewriting.replace(valueWrite, prepare, between);
    rewriting.replace(attention, {...attention, inputs: {...attention.inputs, q: prepared}}, []);
  }
}

function fuseGated(rewriting: Rewriting, keep: Kept): void {
  for (const geglu of rewriting.operations) {
    if (geglu.kind !== 'geglu') continue;
    const {gate, up, offset} = geglu.inputs;
    const {y} = geglu.outputs;
    const gateLinear = rewriting.maker(gate, 'linear');
    if (!gateLinear || rewriting.onlyReader(gate) !== geglu || !rewriting.whole(gateLinear.inputs.weight)) continue;
    const {x, weight} = gateLinear.inputs;
    const upLinear = rewriting.maker(up, 'linear');
    const kept = keep.has(weight.name) || (upLinear && keep.has(upLinear.inputs.weight.name));
    if (upLinear && upLinear.inputs.x === x && rewriting.onlyReader(up) === geglu && up.width === gate.width) {
      const sameType = ({inputs}: typeof upLinear) => rewriting.context.stored(inputs.weight).type;
      if (sameType(upLinear) !== sameType(gateLinear) || !rewriting.whole(upLinear.inputs.weight)) continue;
      if (kept) {
        fuseKept(rewriting, geglu, [gateLinear, upLinear]);
        continue;
      }
      const ups = rewriting.activation(`${up.name} of prompts`, up.width, up);
      const fused: FusedOperation = {
        kind: 'gatedLinear',
        name: gateLinear.name.replace(/_gate$/, '_gated'),
        inputs: {x, gate: weight, up: upLinear.inputs.weight, offset},
        outputs: {y, ups},
        attributes: {},
      };
      rewriting.replace(geglu, fused, [gateLinear, upLinear]);
    } else if (up !== gate && !kept) {
      const fused: FusedOperation = {
        kind: 'geluLinear',
        name: gateLinear.name,
        inputs: {x, weight, up, offset},
        outputs: {y},
        attributes: {},
      };
      rewriting.replace(geglu, fused, [gateLinear]);
    }
  }
}

/** Gate and up in one product, and one operation that can add to both. */
function fuseKept(
  rewriting: Rewriting,
  geglu: OperationKind<'geglu'>,
  [gate, up]: readonly [OperationKind<'linear'>, OperationKind<'linear'>],
): void {
  const {x, weight: a} = gate.inputs;
  const name = gate.name.replace(/_gate$/, '_gate_up');
  const {y} = geglu.outputs;
  const gateUp = rewriting.activation(name, 2 * y.width, x);
  const sums = rewriting.activation(`${name} with adapters`, 2 * y.width, x);
  const inputs = {x, a, b: up.inputs.weight, c: null};
  rewriting.replace(gate, {kind: 'linearParts', name, inputs, outputs: {y: gateUp}, attributes: {}}, [up]);
  const gated: FusedOperation = {
    kind: 'lowRankGated',
    name: `${name}_gated`,
    inputs: {x, gateUp},
    outputs: {y, sums},
    inPlace: {sums: 'gateUp'},
    attributes: {site: name, nTerms: 0, nColumns: 0},
  };
  rewriting.replace(geglu, gated, []);
}

function fuseNorms(rewriting: Rewriting): void {
  for (const add of rewriting.operations) {
    if (add.kind !== 'add') continue;
    const {a: h, b, scale} = add.inputs;
    const norm = rewriting.maker(b, 'rmsNorm');
    const weight = norm?.inputs.weight;
    if (!norm || !weight || rewriting.onlyReader(b) !== add || b.width !== h.width) continue;
    const {x: y} = norm.inputs;
    const {y: sum} = add.outputs;
    const {size, eps} = norm.attributes;
    if (size % 4 !== 0) continue; // rows are read as vec4
    if (size === h.width) {
      const next = rewriting.readers(sum).find((one): one is OperationKind<'rmsNorm'> => {
        if (one.kind !== 'rmsNorm' || rewriting.fused(one) || !one.inputs.weight) return false;
        return one.attributes.size === size && one.attributes.eps === eps;
      });
      // A norm whose own output goes into the next sum is the end of a branch, not a beginning.
      if (next?.inputs.weight && rewriting.readers(next.outputs.y).every(({kind}) => kind !== 'add')) {
        const fused: FusedOperation = {
          kind: 'normAddNorm',
          name: `${norm.name} and ${next.name}`,
          inputs: {y, weight, h, scale, nextWeight: next.inputs.weight},
          outputs: {sum, normed: next.outputs.y},
          attributes: {eps},
        };
        rewriting.replace(add, fused, [norm, next]);
        continue;
      }
    }
    const fused: FusedOperation = {
      kind: 'normAdd',
      name: norm.name,
      inputs: {y, weight, h, scale},
      outputs: {sum},
      attributes: {size, eps},
    };
    rewriting.replace(add, fused, [norm]);
  }
}

/** Norms into the one product that reads them, where rows have at most `widest` values. */
function fuseNormed(graph: Graph<FusedOperation>, widest: number, context: LoweringContext): Graph<FusedOperation> {
  const sameType = (...weights: (WeightTensor | null)[]) =>
    new Set(weights.flatMap((weight) => (weight ? [context.stored(weight).type] : []))).size === 1;
  const gone = new Set<FusedOperation>();
  const operations = graph.operations.map((operation): FusedOperation => {
    if (operation.kind !== 'normAddNorm') return operation;
    const {y: x, ...inputs} = operation.inputs;
    const {sum, normed} = operation.outputs;
    if (normed.width > widest || normed.width % 8 !== 0) return operation;
    const readers = graph.operations.filter((one) => activationsIn(one).includes(normed));
    const [product] = readers;
    if (readers.length > 1 || normed === graph.logits) return operation;
    const {attributes} = operation;
    if (product?.kind === 'linearParts' && sameType(product.inputs.a, product.inputs.b, product.inputs.c)) {
      const {x: _, ...matrices} = product.inputs;
      gone.add(product);
      const outputs = {sum, normed, y: product.outputs.y};
      return {kind: 'normedParts', name: product.name, inputs: {x, ...inputs, ...matrices}, outputs, attributes};
    }
    if (product?.kind === 'gatedLinear') {
      const {x: _, ...matrices} = product.inputs;
      gone.add(product);
      const outputs = {sum, normed, ...product.outputs};
      return {kind: 'normedGated', name: product.name, inputs: {x, ...inputs, ...matrices}, outputs, attributes};
    }
    return operation;
  });
  return {...graph, operations: operations.filter((operation) => !gone.has(operation))};
}
