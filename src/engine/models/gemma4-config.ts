// Gemma 4's metadata keys and tensor table: what a `gemma4` GGUF must hold. Dense text models; knows no data.
import {GemmaError} from '../../errors.ts';
import type {GgufFile} from '../../gguf/gguf-file.ts';
import type {CommonConfig, LayerConfig, ModelDescription, TensorRule, Untensored} from '../config.ts';
import {bounded, boundedInteger, invalid} from '../config-checks.ts';

export interface Gemma4Layer extends LayerConfig {
  /** There is no `attn_v`: the values are the raw keys (full layers of 12B and larger). */
  valuesFromKeys: boolean;
  /** Whether `layer_output_scale` is in the file; otherwise the scale is 1. */
  hasOutputScale: boolean;
}

export interface Gemma4Config extends CommonConfig {
  architecture: 'gemma4';
  layers: readonly Gemma4Layer[];
}

/** The attention kernel keeps a head's query in registers and shared memory up to this size. */
const MAX_HEAD_DIM = 512;

/** @throws GemmaError `config-invalid`, `architecture-unsupported`, `tensor-missing` */
export function describeGemma4(file: GgufFile): ModelDescription {
  const {metadata, tensors} = file;
  refuseUnsupported(file);
  const nEmbd = boundedInteger(metadata, 'gemma4.embedding_length', 1, 2 ** 16);
  const embedding = tensors.get('token_embd.weight');
  // The vocabulary is what the embedding has rows for; a tokenizer's list may be padded differently.
  const nVocab = bounded('token_embd.weight rows', embedding?.shape[1] ?? 1, 1, 2 ** 20);
  const nEmbdPerLayer = boundedInteger(metadata, 'gemma4.embedding_length_per_layer_input', 0, 2 ** 12, 0);
  const normEps = metadata.number('gemma4.attention.layer_norm_rms_epsilon');
  if (!(normEps > 0 && normEps < 1)) {
    throw invalid('gemma4.attention.layer_norm_rms_epsilon', normEps, 'a number between 0 and 1');
  }
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

function readLayers({metadata, tensors}: GgufFile): Gemma4Layer[] {
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
      ropeFactors: !sliding[index],
      valuesFromKeys: keysOnly && ownsKv && !sliding[index],
      hasOutputScale: tensors.has(`blk.${index}.layer_output_scale.weight`),
    };
  });
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
  for (const {index, headDim, nHead, nHeadKv, ffn, ownsKv, valuesFromKeys, hasOutputScale} of layers) {
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
    if (nEmbdPerLayer > 0) {
      matrix(`${block}.inp_gate.weight`, nEmbd, nEmbdPerLayer);
      matrix(`${block}.proj.weight`, nEmbdPerLayer, nEmbd);
      vector(`${block}.post_norm.weight`, nEmbd);
    }
    if (hasOutputScale) vector(`${block}.layer_output_scale.weight`, 1);
  }
  return rules;
}

function refuseUnsupported({metadata, tensors}: GgufFile): void {
  const experts = metadata.integer('gemma4.expert_count', 0);
  if (experts > 0 || tensors.has('blk.0.ffn_gate_inp.weight')) {
    throw new GemmaError(
      'architecture-unsupported',
      `found a mixture of ${experts} experts (as in Gemma 4 26B-A4B); dense gemma4 models are supported. Choose E2B or E4B`,
      {detail: {architecture: 'gemma4', experts}},
    );
  }
}
