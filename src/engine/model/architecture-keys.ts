// The metadata keys and the tensors that all architectures have in common: keys read with bounds, tensors as rules. Each
// architecture decides what a missing key means.
import type {GgufFile} from '../../gguf/gguf-file.ts';
import type {Metadata} from '../../gguf/metadata.ts';
import {bounded, boundedInteger, invalid} from './config-checks.ts';
import type {LayerConfig, ModelConfig, TensorRule} from './model-config.ts';

/** The attention kernel keeps a head's query in registers and shared memory up to this size. */
const MAX_HEAD_DIM = 512;

/** The per-layer embeddings of Gemma 3n and 4, [nVocab][layers · nEmbdPerLayer]: often the largest tensor. */
export const PER_LAYER_TABLE = 'per_layer_token_embd.weight';

/** What differs from layer to layer in some files, one entry a layer. */
export interface LayerSizes {
  nHead: number[];
  nHeadKv: number[];
  nFf: number[];
}

/** Where a layer's keys and values come from. */
export type Sharing = Pick<LayerConfig, 'hasKv' | 'kvSource'>;

/** Keys that begin with the architecture's name. Every getter throws GemmaError `config-invalid`. */
export class ArchitectureKeys {
  readonly nLayers: number;
  readonly nEmbd: number;
  readonly #file: GgufFile;
  readonly #metadata: Metadata;
  readonly #prefix: string;

  constructor(file: GgufFile, architecture: string) {
    this.#file = file;
    this.#metadata = file.metadata;
    this.#prefix = `${architecture}.`;
    this.nLayers = this.integer('block_count', 1, 256);
    this.nEmbd = this.integer('embedding_length', 1, 2 ** 16);
  }

  /** The first of the names that the file has, with its prefix; the first of all where it has none. */
  key(...names: readonly [string, ...string[]]): string {
    return this.#prefix + (names.find((name) => this.#metadata.has(this.#prefix + name)) ?? names[0]);
  }

  has(name: string): boolean {
    return this.#metadata.has(this.#prefix + name);
  }

  integer(name: string, min: number, max: number, fallback?: number): number {
    return boundedInteger(this.#metadata, this.#prefix + name, min, max, fallback);
  }

  /** One a layer, from an array or from a scalar for all. */
  each(name: string, min: number, max: number, fallback?: number): number[] {
    const key = this.#prefix + name;
    const values = this.#metadata.integers(key, this.nLayers, fallback);
    return values.map((value, i) => bounded(`${key}[${i}]`, value, min, max));
  }

  /** What all architectures have, without per-layer embeddings. */
  common(
    softcap: number,
  ): Omit<ModelConfig, 'architecture' | 'layers' | 'tensors' | 'nEmbdPerLayer' | 'perLayerTable'> {
    const {tensors} = this.#file;
    const normEps = this.#metadata.number(this.key('attention.layer_norm_rms_epsilon'), 1e-6);
    if (!(normEps > 0 && normEps < 1)) {
      throw invalid(this.key('attention.layer_norm_rms_epsilon'), normEps, 'a number between 0 and 1');
    }
    return {
      nEmbd: this.nEmbd,
      // The vocabulary is what the embedding has rows for; a tokenizer's list may be padded differently.
      nVocab: bounded('token_embd.weight rows', tensors.get('token_embd.weight')?.shape[1] ?? 1, 1, 2 ** 20),
      contextLength: this.integer('context_length', 1, 2 ** 24),
      normEps,
      softcap: this.softcap('final_logit_softcapping', softcap),
      tiedHead: !tensors.has('output.weight'),
      suppressedTokens: this.#suppressedTokens(),
    };
  }

  #suppressedTokens(): number[] {
    const key = 'tokenizer.ggml.suppress_tokens';
    return this.#metadata.has(key) ? Array.from(this.#metadata.numericArray(key)) : [];
  }

  softcap(name: string, fallback: number): number {
    const cap = this.#metadata.number(this.#prefix + name, fallback);
    if (cap < 0) throw invalid(this.#prefix + name, cap, '0 (none) or more');
    return cap;
  }

  sizes(): LayerSizes {
    const nHead = this.each('attention.head_count', 1, 1024);
    const nHeadKv = this.each('attention.head_count_kv', 1, 1024);
    nHeadKv.forEach((n, i) => {
      if (nHead[i] % n === 0) return;
      throw invalid(this.key('attention.head_count_kv'), n, `a divisor of ${nHead[i]}, the head count`);
    });
    return {nHead, nHeadKv, nFf: this.each('feed_forward_length', 1, 2 ** 20)};
  }

  /** @param suffix `_swa` for sliding layers where their heads have another size */
  headDim(fallback: number | undefined, suffix: '' | '_swa' = ''): number {
    const key = this.key(`attention.key_length${suffix}`, ...(suffix === '' ? ['attention.head_dim', 'head_dim'] : []));
    const size = boundedInteger(this.#metadata, key, 4, MAX_HEAD_DIM, fallback);
    if (size % 4 !== 0) throw invalid(key, size, 'a multiple of 4');
    // Keys and values share a cache row's width, and RoPE pairs i with i + headDim / 2: the three must agree.
    for (const name of [`attention.value_length${suffix}`, `rope.dimension_count${suffix}`]) {
      const other = this.#metadata.integer(this.#prefix + name, size);
      if (other !== size) throw invalid(this.#prefix + name, other, `${size}, as ${key}`);
    }
    return size;
  }

  /** Which layers slide: a list, or the period whose last layer does not. */
  sliding(period: number): boolean[] {
    const key = this.key('attention.sliding_window_pattern');
    if (this.#metadata.isArray(key)) return this.#metadata.booleans(key, this.nLayers);
    const every = boundedInteger(this.#metadata, key, 1, 256, period);
    return Array.from({length: this.nLayers}, (_, i) => i % every < every - 1);
  }

  /** Whose keys and values each layer attends: its own, or those of the last layer of its kind that has some. */
  sharing(sliding: readonly boolean[], nHeadKv: readonly number[], fallback: number): Sharing[] {
    const name = 'attention.shared_kv_layers';
    const shared = this.integer(name, 0, this.nLayers - 1, fallback);
    const owners = this.nLayers - shared;
    return sliding.map((slides, index) => {
      // By layer number, never by a tensor's presence: published files hold unused K/V weights in sharing layers.
      const hasKv = index < owners;
      const kvSource = hasKv ? index : sliding.lastIndexOf(slides, owners - 1);
      if (kvSource >= 0 && nHeadKv[kvSource] === nHeadKv[index]) return {hasKv, kvSource};
      throw invalid(
        this.#prefix + name,
        shared,
        `a number that leaves layer ${index} a ${slides ? 'sliding' : 'full'} layer with ${nHeadKv[index]} KV heads to share with`,
      );
    });
  }

  ropeBase(names: readonly [string, ...string[]], fallback: number): number {
    const key = this.key(...names);
    const base = this.#metadata.number(key, fallback);
    if (!(base > 1)) throw invalid(key, base, 'a number above 1');
    return base;
  }

  /** For an architecture whose positions are never scaled. */
  refuseRopeScaling(): void {
    const type = this.#metadata.string(this.key('rope.scaling.type'), 'none');
    if (type !== 'none') throw invalid(this.key('rope.scaling.type'), JSON.stringify(type), 'none');
  }

  /** The factor of linear RoPE scaling; `fallback` where the file has no scaling key. */
  ropeScale(fallback: number): number {
    const type = this.#metadata.string(this.key('rope.scaling.type'), 'linear');
    if (type === 'none') return 1;
    if (type !== 'linear') throw invalid(this.key('rope.scaling.type'), JSON.stringify(type), 'linear or none');
    const key = this.key('rope.scaling.factor', 'rope.scale_linear');
    const factor = this.#metadata.number(key, fallback);
    if (!(factor > 0)) throw invalid(key, factor, 'a number above 0');
    return factor;
  }
}

/** The rules of a model's tensors as they are collected. */
export class TensorRules {
  readonly list: TensorRule[] = [];

  /** [in, out], or a stack of them: [in, out, count]. */
  matrix(name: string, ...shape: readonly [nIn: number, nOut: number, count?: number]): void {
    this.list.push({name, shape: shape.filter((extent) => extent !== undefined), kind: 'matrix'});
  }

  vector(name: string, n: number): void {
    this.list.push({name, shape: [n], kind: 'vector'});
  }

  /** The tensors outside of layers. Rows past the vocabulary are left out. */
  ends({nEmbd, nVocab, tiedHead}: Pick<ModelConfig, 'nEmbd' | 'nVocab' | 'tiedHead'>): void {
    const table = {shape: [nEmbd, nVocab], kind: 'matrix', cut: true} as const;
    this.list.push({name: 'token_embd.weight', ...table});
    if (!tiedHead) this.list.push({name: 'output.weight', ...table});
    this.vector('output_norm.weight', nEmbd);
  }

  /** What per-layer embeddings are made of. */
  perLayerInputs({nEmbd, nVocab, nEmbdPerLayer, layers}: Omit<ModelConfig, 'tensors'>): void {
    this.matrix(PER_LAYER_TABLE, nEmbdPerLayer * layers.length, nVocab);
    this.perLayerProjection({nEmbd, nEmbdPerLayer, layers});
  }

  /** The part of them that comes from a token's embedding. */
  perLayerProjection({nEmbd, nEmbdPerLayer, layers}: Pick<ModelConfig, 'nEmbd' | 'nEmbdPerLayer' | 'layers'>): void {
    this.matrix('per_layer_model_proj.weight', nEmbd, nEmbdPerLayer * layers.length);
    this.vector('per_layer_proj_norm.weight', nEmbdPerLayer);
  }

  /** How a layer uses its per-layer embedding. */
  perLayerBranch(layer: LayerConfig, {nEmbd, nEmbdPerLayer}: Omit<ModelConfig, 'tensors'>): void {
    const block = `blk.${layer.index}`;
    this.matrix(`${block}.inp_gate.weight`, nEmbd, nEmbdPerLayer);
    this.matrix(`${block}.proj.weight`, nEmbdPerLayer, nEmbd);
    this.vector(`${block}.post_norm.weight`, nEmbd);
  }

  /** Attention and feed-forward of a layer. A layer without keys and values of its own uses no K/V tensor, even if the file has one. */
  layer(
    layer: LayerConfig,
    nEmbd: number,
    has: {headNorms: boolean; postNorms: boolean; valuesFromKeys?: boolean},
  ): void {
    const {index, headDim, nHead, nHeadKv, nFf, hasKv} = layer;
    const block = `blk.${index}`;
    this.vector(`${block}.attn_norm.weight`, nEmbd);
    this.matrix(`${block}.attn_q.weight`, nEmbd, headDim * nHead);
    if (has.headNorms) this.vector(`${block}.attn_q_norm.weight`, headDim);
    if (hasKv) {
      this.matrix(`${block}.attn_k.weight`, nEmbd, headDim * nHeadKv);
      if (has.headNorms) this.vector(`${block}.attn_k_norm.weight`, headDim);
      if (!has.valuesFromKeys) this.matrix(`${block}.attn_v.weight`, nEmbd, headDim * nHeadKv);
    }
    this.matrix(`${block}.attn_output.weight`, headDim * nHead, nEmbd);
    if (has.postNorms) this.vector(`${block}.post_attention_norm.weight`, nEmbd);
    this.vector(`${block}.ffn_norm.weight`, nEmbd);
    this.matrix(`${block}.ffn_gate.weight`, nEmbd, nFf);
    this.matrix(`${block}.ffn_up.weight`, nEmbd, nFf);
    this.matrix(`${block}.ffn_down.weight`, nFf, nEmbd);
    if (has.postNorms) this.vector(`${block}.post_ffw_norm.weight`, nEmbd);
  }
}
