// Gemma 4's metadata keys and tensor table: what a `gemma4` GGUF must hold to run as text. Knows no data.
import type {GgufFile} from '../../gguf/gguf-file.ts';
import type {CommonConfig, LayerConfig, ModelDescription, TensorRule, Untensored} from '../config.ts';
import {bounded, boundedInteger, invalid} from '../config-checks.ts';

/** A mixture of experts beside a layer's feed-forward. */
export interface Experts {
  /** How many there are, and how many of them a token uses. */
  count: number;
  used: number;
  /** Width of an expert's inner layer. */
  ffn: number;
  /** `ffn_gate_up_exps` holds, for each expert, its gate rows and then its up rows; otherwise each is a tensor. */
  fused: boolean;
  /** The tensor of each expert's output scale; null: 1. */
  scale: string | null;
}

export interface Gemma4Layer extends LayerConfig {
  /** There is no `attn_v`: the values are the raw keys (full layers of 12B and larger). */
  valuesFromKeys: boolean;
  /** Whether `layer_output_scale` is in the file; otherwise the scale is 1. */
  hasOutputScale: boolean;
  experts: Experts | null;
}

export interface Gemma4Config extends CommonConfig {
  architecture: 'gemma4';
  layers: readonly Gemma4Layer[];
}

/** The attention kernel keeps a head's query in registers and shared memory up to this size. */
const MAX_HEAD_DIM = 512;

/** The router gives a workgroup's invocation to each expert that is used, and keeps all scores in shared memory. */
const MAX_EXPERTS = 1024;
const MAX_EXPERTS_USED = 64;

/** @throws GemmaError `config-invalid` */
export function describeGemma4(file: GgufFile): ModelDescription {
  const {metadata, tensors} = file;
  const nEmbd = boundedInteger(metadata, 'gemma4.embedding_length', 1, 2 ** 16);
  const embedding = tensors.get('token_embd.weight');
  // The vocabulary is what the embedding has rows for; a tokenizer's list may be padded differently.
  const nVocab = bounded('token_embd.weight rows', embedding?.shape[1] ?? 1, 1, 2 ** 20);
  const nEmbdPerLayer = boundedInteger(metadata, 'gemma4.embedding_length_per_layer_input', 0, 2 ** 12, 0);
  const normEps = metadata.number('gemma4.attention.layer_norm_rms_epsilon');
  if (!(normEps > 0 && normEps < 1)) {
    throw invalid('gemma4.attention.layer_norm_rms_epsilon', normEps, 'a number between 0 and 1');
  }
  // Positions are taken as they are: `rope_freqs.weight` is all the scaling that Gemma 4 has.
  const scaling = metadata.string('gemma4.rope.scaling.type', 'none');
  if (scaling !== 'none') throw invalid('gemma4.rope.scaling.type', JSON.stringify(scaling), 'none');
  // Every published file has 30; a file without the key means the same.
  const softcap = metadata.number('gemma4.final_logit_softcapping', 30);
  if (softcap < 0) throw invalid('gemma4.final_logit_softcapping', softcap, '0 (none) or more');
  const config = {
    architecture: 'gemma4' as const,
    nEmbd,
    nVocab,
    nEmbdPerLayer,
    contextLength: boundedInteger(metadata, 'gemma4.context_length', 1, 2 ** 24),
    normEps,
    softcap,
    tiedHead: !tensors.has('output.weight'),
    layers: readLayers(file),
  };
  return {config, rules: tensorRules(config)};
}

function readLayers(file: GgufFile): Gemma4Layer[] {
  const {metadata, tensors} = file;
  const count = boundedInteger(metadata, 'gemma4.block_count', 1, 256);
  const each = (key: string, min: number, max: number) =>
    metadata.integers(key, count).map((value, i) => bounded(`${key}[${i}]`, value, min, max));

  const sliding = metadata.booleans('gemma4.attention.sliding_window_pattern', count);
  const nHead = each('gemma4.attention.head_count', 1, 1024);
  const nHeadKv = each('gemma4.attention.head_count_kv', 1, 1024);
  const ffn = each('gemma4.feed_forward_length', 1, 2 ** 20);
  const window = boundedInteger(metadata, 'gemma4.attention.sliding_window', 1, 2 ** 24);
  const shared = boundedInteger(metadata, 'gemma4.attention.shared_kv_layers', 0, count - 1, 0);
  const headDim = {full: readHeadDim('', undefined), swa: 0};
  headDim.swa = readHeadDim('_swa', headDim.full);
  const ropeBase = {full: readBase('rope.freq_base', 1e6), swa: readBase('rope.freq_base_swa', 1e4)};

  function readHeadDim(suffix: '' | '_swa', fallback: number | undefined): number {
    const size = boundedInteger(metadata, `gemma4.attention.key_length${suffix}`, 4, MAX_HEAD_DIM, fallback);
    if (size % 4 !== 0) throw invalid(`gemma4.attention.key_length${suffix}`, size, 'a multiple of 4');
    // Keys and values share a cache row's width, and RoPE pairs i with i + headDim / 2: the three must agree.
    for (const key of [`gemma4.attention.value_length${suffix}`, `gemma4.rope.dimension_count${suffix}`]) {
      const other = metadata.integer(key, size);
      if (other !== size) throw invalid(key, other, `${size}, as gemma4.attention.key_length${suffix}`);
    }
    return size;
  }

  function readBase(key: string, fallback: number): number {
    const base = metadata.number(`gemma4.${key}`, fallback);
    if (!(base > 1)) throw invalid(`gemma4.${key}`, base, 'a number above 1');
    return base;
  }

  const experts = readExperts(file, count);
  const owners = count - shared;
  // All full layers or none: one that lacks what others have lost a tensor.
  const keysOnly = !sliding.some((slides, i) => !slides && i < owners && tensors.has(`blk.${i}.attn_v.weight`));
  return Array.from({length: count}, (_, index) => {
    if (nHead[index] % nHeadKv[index] !== 0) {
      throw invalid('gemma4.attention.head_count_kv', nHeadKv[index], `a divisor of ${nHead[index]}, the head count`);
    }
    // By layer number, never by a tensor's presence: published files hold unused K/V weights in sharing layers.
    const ownsKv = index < owners;
    const donor = ownsKv ? index : sliding.lastIndexOf(sliding[index], owners - 1);
    if (donor < 0 || nHeadKv[donor] !== nHeadKv[index]) {
      throw invalid(
        'gemma4.attention.shared_kv_layers',
        shared,
        `a number that leaves layer ${index} a ${sliding[index] ? 'sliding' : 'full'} layer with ${nHeadKv[index]} KV heads to share with`,
      );
    }
    return {
      index,
      sliding: sliding[index],
      window: sliding[index] ? window : 0,
      headDim: sliding[index] ? headDim.swa : headDim.full,
      nHead: nHead[index],
      nHeadKv: nHeadKv[index],
      ffn: ffn[index],
      ownsKv,
      donor,
      ropeBase: sliding[index] ? ropeBase.swa : ropeBase.full,
      ropeScale: 1,
      ropeFactors: !sliding[index],
      valuesFromKeys: keysOnly && ownsKv && !sliding[index],
      hasOutputScale: tensors.has(`blk.${index}.layer_output_scale.weight`),
      experts: experts(index),
    };
  });
}

/** The experts by layer: all layers have them, or none. */
function readExperts({metadata, tensors}: GgufFile, nLayers: number): (layer: number) => Experts | null {
  const count = boundedInteger(metadata, 'gemma4.expert_count', 0, MAX_EXPERTS, 0);
  if (count === 0) {
    if (!tensors.has('blk.0.ffn_gate_inp.weight')) return () => null;
    throw invalid('gemma4.expert_count', count, '1 or more, for the file has a router (blk.0.ffn_gate_inp.weight)');
  }
  const used = boundedInteger(metadata, 'gemma4.expert_used_count', 1, Math.min(count, MAX_EXPERTS_USED));
  const key = 'gemma4.expert_feed_forward_length';
  const ffn = metadata.integers(key, nLayers).map((value, i) => bounded(`${key}[${i}]`, value, 1, 2 ** 20));
  return (layer) => {
    const block = `blk.${layer}`;
    // The second name is that of files which early versions of Ollama made.
    const scale = [`${block}.ffn_down_exps.scale`, `${block}.ffn_gate_inp.per_expert_scale`];
    return {
      count,
      used,
      ffn: ffn[layer],
      fused: tensors.has(`${block}.ffn_gate_up_exps.weight`),
      scale: scale.find((name) => tensors.has(name)) ?? null,
    };
  };
}

/** Every tensor the forward pass reads. */
function tensorRules(config: Untensored<Gemma4Config>): TensorRule[] {
  const {nEmbd, nVocab, nEmbdPerLayer, layers} = config;
  const rules: TensorRule[] = [];
  const matrix = (name: string, nIn: number, nOut: number) => rules.push({name, shape: [nIn, nOut], kind: 'matrix'});
  const vector = (name: string, n: number) => rules.push({name, shape: [n], kind: 'vector'});

  matrix('token_embd.weight', nEmbd, nVocab);
  if (!config.tiedHead) matrix('output.weight', nEmbd, nVocab);
  vector('output_norm.weight', nEmbd);
  const full = layers.find((layer) => layer.ropeFactors);
  if (full) vector('rope_freqs.weight', full.headDim / 2);
  if (nEmbdPerLayer > 0) {
    matrix('per_layer_token_embd.weight', nEmbdPerLayer * layers.length, nVocab);
    matrix('per_layer_model_proj.weight', nEmbd, nEmbdPerLayer * layers.length);
    vector('per_layer_proj_norm.weight', nEmbdPerLayer);
  }
  for (const {index, headDim, nHead, nHeadKv, ffn, ownsKv, valuesFromKeys, hasOutputScale, experts} of layers) {
    const block = `blk.${index}`;
    vector(`${block}.attn_norm.weight`, nEmbd);
    matrix(`${block}.attn_q.weight`, nEmbd, headDim * nHead);
    vector(`${block}.attn_q_norm.weight`, headDim);
    if (ownsKv) {
      matrix(`${block}.attn_k.weight`, nEmbd, headDim * nHeadKv);
      vector(`${block}.attn_k_norm.weight`, headDim);
      if (!valuesFromKeys) matrix(`${block}.attn_v.weight`, nEmbd, headDim * nHeadKv);
    }
    matrix(`${block}.attn_output.weight`, headDim * nHead, nEmbd);
    vector(`${block}.post_attention_norm.weight`, nEmbd);
    vector(`${block}.ffn_norm.weight`, nEmbd);
    matrix(`${block}.ffn_gate.weight`, nEmbd, ffn);
    matrix(`${block}.ffn_up.weight`, nEmbd, ffn);
    matrix(`${block}.ffn_down.weight`, ffn, nEmbd);
    vector(`${block}.post_ffw_norm.weight`, nEmbd);
    if (experts) expertRules(rules, block, nEmbd, experts);
    if (nEmbdPerLayer > 0) {
      matrix(`${block}.inp_gate.weight`, nEmbd, nEmbdPerLayer);
      matrix(`${block}.proj.weight`, nEmbdPerLayer, nEmbd);
      vector(`${block}.post_norm.weight`, nEmbd);
    }
    if (hasOutputScale) vector(`${block}.layer_output_scale.weight`, 1);
  }
  return rules;
}

function expertRules(rules: TensorRule[], block: string, nEmbd: number, {count, ffn, fused, scale}: Experts): void {
  const matrix = (name: string, ...shape: number[]) => rules.push({name: `${block}.${name}`, shape, kind: 'matrix'});
  const vector = (name: string, n: number) => rules.push({name, shape: [n], kind: 'vector'});
  matrix('ffn_gate_inp.weight', nEmbd, count);
  vector(`${block}.ffn_gate_inp.scale`, nEmbd);
  vector(`${block}.post_ffw_norm_1.weight`, nEmbd);
  vector(`${block}.pre_ffw_norm_2.weight`, nEmbd);
  if (fused) matrix('ffn_gate_up_exps.weight', nEmbd, 2 * ffn, count);
  else {
    matrix('ffn_gate_exps.weight', nEmbd, ffn, count);
    matrix('ffn_up_exps.weight', nEmbd, ffn, count);
  }
  matrix('ffn_down_exps.weight', ffn, nEmbd, count);
  if (scale) vector(scale, count);
  vector(`${block}.post_ffw_norm_2.weight`, nEmbd);
}
