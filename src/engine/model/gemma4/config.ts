// Gemma 4's metadata keys and tensor table: what a `gemma4` GGUF must hold to run as text. Knows no data.
import type {GgufFile} from '../../../gguf/gguf-file.ts';
import {ArchitectureKeys, PER_LAYER_TABLE, TensorRules} from '../architecture-keys.ts';
import {invalid} from '../config-checks.ts';
import type {LayerConfig, ModelConfig, ModelDescription, TensorRule, Untensored} from '../model-config.ts';

/** A mixture of experts beside a layer's feed-forward. */
export interface Experts {
  /** How many there are, and how many of them a token uses. */
  count: number;
  topK: number;
  /** Width of an expert's inner layer. */
  nFf: number;
  /** `ffn_gate_up_exps` holds, for each expert, its gate rows and then its up rows; otherwise each is a tensor. */
  fused: boolean;
  /** The tensor of each expert's output scale; null: 1. */
  scale: string | null;
}

/** A layer of Gemma 4. */
export interface Gemma4Layer extends LayerConfig {
  /** There is no `attn_v`: the values are the raw keys (full layers of 12B and larger). */
  valuesFromKeys: boolean;
  /** Whether `layer_output_scale` is in the file; otherwise the scale is 1. */
  hasOutputScale: boolean;
  experts: Experts | null;
}

/** Gemma 4. */
export interface Gemma4Config extends ModelConfig {
  architecture: 'gemma4';
  layers: readonly Gemma4Layer[];
}

/** The router gives a workgroup's invocation to each expert that is used, and keeps all scores in shared memory. */
const MAX_EXPERTS = 1024;
const MAX_EXPERTS_USED = 64;

const ROPE_FACTORS = 'rope_freqs.weight';

/** @throws GemmaError `config-invalid` */
export function describeGemma4(file: GgufFile): ModelDescription<Gemma4Config> {
  const keys = new ArchitectureKeys(file, 'gemma4');
  keys.refuseRopeScaling(); // rope_freqs.weight is all the scaling that Gemma 4 has
  const nEmbdPerLayer = keys.integer('embedding_length_per_layer_input', 0, 2 ** 12, 0);
  const config = {
    // Every published file has a cap of 30; a file without the key means the same.
    ...keys.common(30),
    architecture: 'gemma4' as const,
    nEmbdPerLayer,
    perLayerTable: nEmbdPerLayer > 0 ? PER_LAYER_TABLE : null,
    layers: readLayers(keys, file),
  };
  return {config, rules: tensorRules(config)};
}

function readLayers(keys: ArchitectureKeys, file: GgufFile): Gemma4Layer[] {
  const sliding = file.metadata.booleans(keys.key('attention.sliding_window_pattern'), keys.nLayers);
  const written = readWrittenLayers(keys, file, sliding);
  const sharing = keys.sharing(
    sliding,
    written.map(({nHeadKv}) => nHeadKv),
    0,
  );
  const experts = readExperts(keys, file);
  const hasValues = (index: number) => sharing[index].hasKv && file.tensors.has(`blk.${index}.attn_v.weight`);
  // Either all full layers have values of their own or none has; a single one without them has lost a tensor.
  const keysOnly = !sliding.some((slides, index) => !slides && hasValues(index));
  return written.map((layer, index) => ({
    ...layer,
    ...sharing[index],
    ropeFactors: layer.sliding ? null : ROPE_FACTORS,
    valuesFromKeys: keysOnly && sharing[index].hasKv && !layer.sliding,
    experts: experts(index),
  }));
}

/** Layers of two kinds, each with keys and values of its own, and dense: all that the models made of these layers have alike. */
export function readWrittenLayers(
  keys: ArchitectureKeys,
  {tensors}: GgufFile,
  sliding: readonly boolean[],
): Gemma4Layer[] {
  const {nHead, nHeadKv, nFf} = keys.sizes();
  const window = keys.integer('attention.sliding_window', 1, 2 ** 24);
  const headDim = keys.headDim(undefined);
  const slidingHeadDim = keys.headDim(headDim, '_swa');
  const base = keys.ropeBase(['rope.freq_base'], 1e6);
  const slidingBase = keys.ropeBase(['rope.freq_base_swa'], 1e4);
  return sliding.map((slides, index) => ({
    index,
    sliding: slides,
    window: slides ? window : 0,
    headDim: slides ? slidingHeadDim : headDim,
    nHead: nHead[index],
    nHeadKv: nHeadKv[index],
    nFf: nFf[index],
    hasKv: true,
    kvSource: index,
    ropeBase: slides ? slidingBase : base,
    ropeScale: 1,
    ropeFactors: null,
    valuesFromKeys: false,
    hasOutputScale: tensors.has(`blk.${index}.layer_output_scale.weight`),
    experts: null,
  }));
}

/** The experts by layer: all layers have them, or none. */
function readExperts(keys: ArchitectureKeys, {tensors}: GgufFile): (layer: number) => Experts | null {
  const count = keys.integer('expert_count', 0, MAX_EXPERTS, 0);
  if (count === 0) {
    if (!tensors.has('blk.0.ffn_gate_inp.weight')) return () => null;
    throw invalid('gemma4.expert_count', count, '1 or more, because the file has a router (blk.0.ffn_gate_inp.weight)');
  }
  const topK = keys.integer('expert_used_count', 1, Math.min(count, MAX_EXPERTS_USED));
  const nFf = keys.each('expert_feed_forward_length', 1, 2 ** 20);
  return (layer) => {
    const block = `blk.${layer}`;
    // The second name is that of files which early versions of Ollama made.
    const scale = [`${block}.ffn_down_exps.scale`, `${block}.ffn_gate_inp.per_expert_scale`];
    return {
      count,
      topK,
      nFf: nFf[layer],
      fused: tensors.has(`${block}.ffn_gate_up_exps.weight`),
      scale: scale.find((name) => tensors.has(name)) ?? null,
    };
  };
}

/** Every tensor the forward pass reads. */
function tensorRules(config: Untensored<Gemma4Config>): TensorRule[] {
  const {nEmbd, nEmbdPerLayer, layers} = config;
  const rules = new TensorRules();
  rules.ends(config);
  const full = layers.find((layer) => layer.ropeFactors);
  if (full) rules.vector(ROPE_FACTORS, full.headDim / 2);
  if (nEmbdPerLayer > 0) rules.perLayerInputs(config);
  for (const layer of layers) {
    const {index, valuesFromKeys, hasOutputScale, experts} = layer;
    rules.layer(layer, nEmbd, {headNorms: true, postNorms: true, valuesFromKeys});
    if (experts) expertRules(rules, `blk.${index}`, nEmbd, experts);
    if (nEmbdPerLayer > 0) rules.perLayerBranch(layer, config);
    if (hasOutputScale) rules.vector(`blk.${index}.layer_output_scale.weight`, 1);
  }
  return rules.list;
}

function expertRules(rules: TensorRules, block: string, nEmbd: number, {count, nFf, fused, scale}: Experts): void {
  rules.matrix(`${block}.ffn_gate_inp.weight`, nEmbd, count);
  rules.vector(`${block}.ffn_gate_inp.scale`, nEmbd);
  rules.vector(`${block}.post_ffw_norm_1.weight`, nEmbd);
  rules.vector(`${block}.pre_ffw_norm_2.weight`, nEmbd);
  if (fused) rules.matrix(`${block}.ffn_gate_up_exps.weight`, nEmbd, 2 * nFf, count);
  else {
    rules.matrix(`${block}.ffn_gate_exps.weight`, nEmbd, nFf, count);
    rules.matrix(`${block}.ffn_up_exps.weight`, nEmbd, nFf, count);
  }
  rules.matrix(`${block}.ffn_down_exps.weight`, nFf, nEmbd, count);
  if (scale) rules.vector(scale, count);
  rules.vector(`${block}.post_ffw_norm_2.weight`, nEmbd);
}
