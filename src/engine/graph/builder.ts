// The words that a model is written in: each adds one operation to a graph and gives the tensor it makes. Owns names and
// the check that widths fit. Knows no architecture.
import {GemmaError} from '../../errors.ts';
import {
  type Activation,
  type AttentionAttributes,
  type CacheTensor,
  type ConstantTensor,
  checkGraph,
  type Extent,
  type Graph,
  type Numbers,
  type Operation,
  type RopeAngles,
  type WeightTensor,
} from './graph.ts';

/** What a graph is built over: facts of a model's header. */
export interface GraphSource {
  /** Default of every norm's epsilon. */
  normEps: number;
  /** GGUF's shapes, [nIn, nOut, …], by tensor. */
  tensors: ReadonlyMap<string, {readonly shape: readonly number[]}>;
}

/** A layer as far as its place in the cache goes. */
interface CachedLayer {
  index: number;
  sliding: boolean;
  nHeadKv: number;
  headDim: number;
}

/** The experts that each row uses, and their weights: both [n][topK]. */
export interface ExpertChoice {
  topK: number;
  experts: Activation | ConstantTensor;
  weights: Activation | ConstantTensor;
}

/** Weights by their short names: `attn_q` for `blk.3.attn_q.weight`. */
type Weights<Needed extends string, Optional extends string> = Readonly<
  Record<Needed, WeightTensor> & Partial<Record<Optional, WeightTensor>>
>;

/** Builds a graph: `write` gives the logits. @throws GemmaError `internal` for a model that does not fit together. */
export function buildGraph(source: GraphSource, write: (g: GraphBuilder) => Activation): Graph {
  const list = new OperationList(source);
  const logits = write(new GraphBuilder(list, ''));
  return checkGraph({operations: list.operations, logits});
}

/** The operations of a graph so far. */
class OperationList {
  readonly source: GraphSource;
  readonly operations: Operation[] = [];
  /** By the prefix of their block, then by short name. */
  readonly weights = new Map<string, Record<string, WeightTensor>>();
  readonly #shared = new Map<string, CacheTensor | ConstantTensor>();
  #nextId = 0;

  constructor(source: GraphSource) {
    this.source = source;
    for (const [name, {shape}] of source.tensors) {
      const [, prefix, short] = name.match(/^(blk\.\d+\.|)(.*?)(?:\.weight)?$/)!;
      const [width, ...rest] = shape;
      const nOut = rest.reduce((product, extent) => product * extent, 1);
      const block = this.weights.get(prefix) ?? {};
      block[short] = {kind: 'weight', id: this.#nextId++, name, width, nOut};
      this.weights.set(prefix, block);
    }
  }

  activation(name: string, width: number, over: Extent): Activation {
    return {kind: 'activation', id: this.#nextId++, name, width, over};
  }

  /** The cache or constant of this name, made at the first request. */
  shared<T extends CacheTensor | ConstantTensor>(tensor: Omit<T, 'id'> & Pick<T, 'kind' | 'name'>): T {
    const key = `${tensor.kind} ${tensor.name}`;
    let known = this.#shared.get(key);
    if (!known) {
      known = {...tensor, id: this.#nextId++} as unknown as T;
      this.#shared.set(key, known);
    }
    return known as T;
  }
}

/**
 * All words name what they make after the weight they use, or after themselves, within a block: `blk.3.attn_q`,
 * `blk.3.rope`. They may be taken out of the builder: `const {linear, rmsNorm} = g`.
 */
export class GraphBuilder {
  readonly #list: OperationList;
  readonly #prefix: string;

  constructor(list: OperationList, prefix: string) {
    this.#list = list;
    this.#prefix = prefix;
  }

  /** The same graph within block `index`: names begin with `blk.<index>.`. */
  block(index: number): GraphBuilder {
    return new GraphBuilder(this.#list, `blk.${index}.`);
  }

  /** The weights of this block, or those outside of all blocks. `Optional` ones are undefined where the file has none. */
  weights<Needed extends string, Optional extends string = never>(): Weights<Needed, Optional> {
    return (this.#list.weights.get(this.#prefix) ?? {}) as Weights<Needed, Optional>;
  }

  /** Keys and values of a layer that has some. */
  cache({index, sliding, nHeadKv, headDim}: CachedLayer): {keys: CacheTensor; values: CacheTensor} {
    const of = (holds: CacheTensor['holds']): CacheTensor =>
      this.#list.shared<CacheTensor>({
        kind: 'cache',
        name: `blk.${index}.${holds}`,
        width: nHeadKv * headDim,
        layer: index,
        holds,
        group: sliding ? 'sliding' : 'full',
      });
    return {keys: of('keys'), values: of('values')};
  }

  /** f32, once. */
  constant(...values: readonly number[]): ConstantTensor {
    return this.#constant(values.join(' '), {type: 'f32', values, perRow: false});
  }

  ropeAngles(angles: Omit<RopeAngles, 'type'>): ConstantTensor {
    const {headDim, base, scale, factors} = angles;
    return this.#list.shared<ConstantTensor>({
      kind: 'constant',
      name: `rope ${headDim} ${base} ${scale}${factors ? ` ${factors.name}` : ''}`,
      width: headDim,
      content: {type: 'rope', headDim, base, scale, factors},
    });
  }

  /** All matrices of a stack of `count` in order for every row, each with weight 1. */
  everyExpert(count: number): ExpertChoice {
    const perRow = (type: Numbers['type'], values: number[]) =>
      this.#constant(`${values.join(' ')} in every row`, {type, values, perRow: true});
    return {
      topK: count,
      experts: perRow(
        'u32',
        Array.from({length: count}, (_, i) => i),
      ),
      weights: perRow(
        'f32',
        Array.from({length: count}, () => 1),
      ),
    };
  }

  /** → [n][nIn of table]: scale · table[token]. */
  getRows = (table: WeightTensor, scale: number): Activation => {
    const y = this.#new(nameOf(table), table.width);
    this.#add({kind: 'getRows', name: y.name, inputs: {table}, outputs: {y}, attributes: {scale}});
    return y;
  };

  /** x: [n][nIn] → [n][nOut]: W · x. */
  linear = (weight: WeightTensor, x: Activation): Activation => {
    const name = nameOf(weight);
    expectWidth(name, x, weight.width);
    const y = this.#new(name, weight.nOut, x.over);
    this.#add({kind: 'linear', name, inputs: {weight, x}, outputs: {y}, attributes: {}});
    return y;
  };

  /**
   * x: [n][nIn], or [n][topK][nIn] with a vector for each expert → [n][topK][nOut]. `part`: the rows of an expert's matrix
   * that are used, all by default.
   */
  linearById = (
    weight: WeightTensor,
    x: Activation,
    {topK, experts}: ExpertChoice,
    {count, offset = 0, nOut}: {count: number; offset?: number; nOut?: number},
  ): Activation => {
    const name = nameOf(weight);
    const expertRows = weight.nOut / count;
    const outputs = nOut ?? expertRows;
    const perExpert = topK > 1 && x.width === topK * weight.width;
    if (!perExpert) expectWidth(name, x, weight.width);
    const y = this.#new(name, topK * outputs, x.over);
    const attributes = {topK, expertRows, offset, nOut: outputs, perExpert};
    this.#add({kind: 'linearById', name, inputs: {weight, x, experts}, outputs: {y}, attributes});
    return y;
  };

  /** logits: [n][experts] → the topK largest, and softmax(factor · logits) over those, times each expert's scale. */
  topExperts = (logits: Activation, topK: number, factor: number, scale: WeightTensor | null): ExpertChoice => {
    const experts = this.#new(`${this.#prefix}experts`, topK, logits.over);
    const weights = this.#new(`${this.#prefix}expert_weights`, topK, logits.over);
    const name = `${this.#prefix}top_experts`;
    const outputs = {experts, weights};
    this.#add({kind: 'topExperts', name, inputs: {logits, scale}, outputs, attributes: {topK, factor}});
    return {topK, experts, weights};
  };

  /** x: [n][topK][d] → [n][d]: the weighted sum of the experts' outputs. */
  sumExperts = (x: Activation, {topK, weights}: ExpertChoice): Activation => {
    const y = this.#new(`${this.#prefix}sum_experts`, x.width / topK, x.over);
    this.#add({kind: 'sumExperts', name: y.name, inputs: {x, weights}, outputs: {y}, attributes: {topK}});
    return y;
  };

  /** x: [n][…][size] → the same: each vector over its root mean square, times the weight. Default size: the whole row. */
  rmsNorm = (
    x: Activation,
    weight: WeightTensor | null,
    {eps = this.#eps, size = weight?.width ?? x.width}: {eps?: number; size?: number} = {},
  ): Activation => {
    const name = weight ? nameOf(weight) : `${this.#prefix}rms_norm`;
    if (x.width % size !== 0) expectWidth(name, x, size);
    const y = this.#new(name, x.width, x.over);
    this.#add({kind: 'rmsNorm', name, inputs: {x, weight}, outputs: {y}, attributes: {size, eps}});
    return y;
  };

  /** x: [n][heads][headDim] → the same: each head rotated by its row's position. */
  rope = (x: Activation, angles: ConstantTensor): Activation => {
    const y = this.#new(`${this.#prefix}rope`, x.width, x.over);
    const attributes = {headDim: angles.width};
    this.#add({kind: 'rope', name: y.name, inputs: {x, angles}, outputs: {y}, attributes});
    return y;
  };

  /** x: [n][width] goes to each row's slot of the cache. */
  kvWrite = (x: Activation, cache: CacheTensor): void => {
    expectWidth(cache.name, x, cache.width);
    this.#add({kind: 'kvWrite', name: cache.name, inputs: {x}, outputs: {cache}, attributes: {}});
  };

  /** q: [n][nHead][headDim] → the same: what each head finds in the positions that its row may see. */
  attention = (
    q: Activation,
    {keys, values}: {keys: CacheTensor; values: CacheTensor},
    attributes: AttentionAttributes,
  ): Activation => {
    const name = `${this.#prefix}attention`;
    expectWidth(name, q, attributes.nHead * attributes.headDim);
    const y = this.#new(name, q.width, q.over);
    this.#add({kind: 'attention', name, inputs: {q, keys, values}, outputs: {y}, attributes});
    return y;
  };

  /** a: [n][width] → (a + b) · scale. A narrower b is added to each vector of its width in a. */
  add = (a: Activation, b: Activation, scale: number | WeightTensor = 1): Activation => {
    const name = `${this.#prefix}add`;
    if (a.width % b.width !== 0) expectWidth(name, b, a.width);
    const y = this.#new(name, a.width, a.over);
    const inputs = {a, b, scale: typeof scale === 'number' ? this.constant(scale) : scale};
    this.#add({kind: 'add', name, inputs, outputs: {y}, attributes: {}});
    return y;
  };

  /** gate: [n][width] → gelu(gate) ⊙ up[offset … offset + width). */
  geglu = (gate: Activation, up: Activation, offset = 0): Activation => {
    const name = `${this.#prefix}geglu`;
    if (offset + gate.width > up.width) expectWidth(name, up, offset + gate.width);
    const y = this.#new(name, gate.width, gate.over);
    const inputs = {gate, up, offset: this.constant(offset)};
    this.#add({kind: 'geglu', name, inputs, outputs: {y}, attributes: {}});
    return y;
  };

  /** x: [n][width] → [m][width]: the rows whose logits are asked for. */
  selectOutputs = (x: Activation): Activation => {
    const y = this.#new(`${this.#prefix}output_rows`, x.width, 'outputs');
    this.#add({kind: 'selectOutputs', name: y.name, inputs: {x}, outputs: {y}, attributes: {}});
    return y;
  };

  /** x: [n][width] → [m][width]: the mean over the rows of each text, which begin at the output rows. */
  meanRows = (x: Activation): Activation => {
    const y = this.#new(`${this.#prefix}mean`, x.width, 'outputs');
    this.#add({kind: 'meanRows', name: y.name, inputs: {x}, outputs: {y}, attributes: {}});
    return y;
  };

  /** cap · tanh(x / cap), in the buffer of x, which is gone afterwards. */
  softcap = (x: Activation, cap: number): Activation => {
    const y = this.#new(`${this.#prefix}softcap`, x.width, x.over);
    const attributes = {cap};
    this.#add({kind: 'softcap', name: y.name, inputs: {x}, outputs: {y}, inPlace: {y: 'x'}, attributes});
    return y;
  };

  /** Gates below mean + kappa · std of their row become 0, others lose that much. */
  gaussianTopk = (x: Activation, kappa: number): Activation => {
    const y = this.#new(`${this.#prefix}gaussian_topk`, x.width, x.over);
    this.#add({kind: 'gaussianTopk', name: y.name, inputs: {x}, outputs: {y}, attributes: {kappa}});
    return y;
  };

  /** x: [n][k][d], target: [n][d] → each vector of x scaled to the RMS of its row's target. */
  matchRms = (x: Activation, target: Activation, eps: number): Activation => {
    const name = `${this.#prefix}match_rms`;
    if (x.width % target.width !== 0) expectWidth(name, x, target.width);
    const y = this.#new(name, x.width, x.over);
    this.#add({kind: 'matchRms', name, inputs: {x, target}, outputs: {y}, attributes: {eps}});
    return y;
  };

  /** active: [n][d], others: [n][3][d], coefs: [n][16] → both streams, in the buffers of those given, which are gone. */
  altupPredict = (
    coefs: Activation,
    factor: number,
    {active, others}: {active: Activation; others: Activation},
  ): {active: Activation; others: Activation} => {
    const name = `${this.#prefix}altup_predict`;
    const outputs = {
      active: this.#new(`${name} active`, active.width),
      others: this.#new(`${name} others`, others.width),
    };
    const inputs = {coefs, active, others};
    const inPlace = {active: 'active', others: 'others'};
    this.#add({kind: 'altupPredict', name, inputs, outputs, inPlace, attributes: {factor}});
    return outputs;
  };

  /** The same after a layer, coefs: [n][4]; `scaled`: [n][d], the corrected active stream times `scale`. */
  altupCorrect = (
    activated: Activation,
    coefs: Activation,
    factor: number,
    scale: WeightTensor,
    {active, others}: {active: Activation; others: Activation},
  ): {active: Activation; others: Activation; scaled: Activation} => {
    const name = `${this.#prefix}altup_correct`;
    const outputs = {
      active: this.#new(`${name} active`, active.width),
      others: this.#new(`${name} others`, others.width),
      scaled: this.#new(`${name} scaled`, active.width),
    };
    const inputs = {activated, coefs, scale, active, others};
    const inPlace = {active: 'active', others: 'others'};
    this.#add({kind: 'altupCorrect', name, inputs, outputs, inPlace, attributes: {factor}});
    return outputs;
  };

  get #eps(): number {
    return this.#list.source.normEps;
  }

  #constant(name: string, content: Numbers): ConstantTensor {
    return this.#list.shared<ConstantTensor>({kind: 'constant', name, width: content.values.length, content});
  }

  #new(name: string, width: number, over: Extent = 'rows'): Activation {
    return this.#list.activation(name, width, over);
  }

  #add(operation: Operation): void {
    this.#list.operations.push(operation);
  }
}

const nameOf = ({name}: WeightTensor): string => name.replace(/\.weight$/, '');

function expectWidth(name: string, x: Activation, width: number): void {
  if (x.width === width) return;
  throw new GemmaError('internal', `${name}: ${x.name} has width ${x.width}, expected ${width}`);
}
