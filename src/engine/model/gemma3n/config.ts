// Gemma 3n's metadata keys and tensor table: what a `gemma3n` GGUF must hold to run as text. Knows no data.
import type {GgufFile} from '../../../gguf/gguf-file.ts';
import {ArchitectureKeys, PER_LAYER_TABLE, TensorRules} from '../architecture-keys.ts';
import {bounded, invalid} from '../config-checks.ts';
import type {LayerConfig, ModelConfig, ModelDescription, TensorRule} from '../model-config.ts';

/** A layer of Gemma 3n: its gates may be sparse. */
export interface Gemma3nLayer extends LayerConfig {
  /** Gates below mean + sparsity · std of a row become zero; null: all go on. */
  sparsity: number | null;
}

/** Gemma 3n. */
export interface Gemma3nConfig extends ModelConfig {
  architecture: 'gemma3n';
  layers: readonly Gemma3nLayer[];
}

/** Residual streams of a token, the first of which is active. All published files have four, and the kernels expect four. */
export const STREAMS = 4;

/** Where a file has no key: the first layers' own keys and values serve the rest, the first ten layers are sparse. */
const OWNERS = 20;
const SPARSE_LAYERS = 10;
/** Φ⁻¹(0.95): one gate in twenty goes on. */
const SPARSITY = 1.6448533535003662;

/** @throws GemmaError `config-invalid` */
export function describeGemma3n(file: GgufFile): ModelDescription<Gemma3nConfig> {
  const {tensors} = file;
  const keys = new ArchitectureKeys(file, 'gemma3n');
  for (const [name, expected] of [
    ['altup.num_inputs', STREAMS],
    ['altup.active_idx', 0],
  ] as const) {
    const found = keys.integer(name, 0, 2 ** 16, expected);
    if (found !== expected) throw invalid(keys.key(name), found, String(expected));
  }
  const common = keys.common(30);
  const nEmbdPerLayer = keys.integer('embedding_length_per_layer_input', 1, 2 ** 12, 256);
  // Some files' per-layer table ends before the placeholders of images and sounds: text has none of them.
  const perLayerRows = tensors.get(PER_LAYER_TABLE)?.shape[1] ?? common.nVocab;
  const laurelRank = bounded(
    'blk.0.laurel_l.weight rows',
    tensors.get('blk.0.laurel_l.weight')?.shape[1] ?? 64,
    1,
    2 ** 16,
  );
  const config = {
    ...common,
    architecture: 'gemma3n' as const,
    nEmbdPerLayer,
    perLayerTable: PER_LAYER_TABLE,
    nVocab: Math.min(common.nVocab, bounded('per_layer_token_embd.weight rows', perLayerRows, 1, 2 ** 20)),
    layers: readLayers(keys, file),
  };
  return {config, rules: tensorRules(config, laurelRank)};
}

function readLayers(keys: ArchitectureKeys, file: GgufFile): Gemma3nLayer[] {
  const {nLayers} = keys;
  const {nHead, nHeadKv, nFf} = keys.sizes();
  const headDim = keys.headDim(keys.nEmbd / nHead[0]);
  const sliding = keys.sliding(5);
  const window = keys.integer('attention.sliding_window', 1, 2 ** 24, 512);
  const sharing = keys.sharing(sliding, nHeadKv, Math.max(0, nLayers - OWNERS));
  const base = keys.ropeBase(['rope.freq_base', 'rope.global.freq_base'], 1e6);
  const slidingBase = keys.ropeBase(['rope.freq_base_swa', 'rope.freq_base_local', 'rope.local.freq_base'], 1e4);
  const ropeScale = keys.ropeScale(1);
  const sparsity = readSparsity(keys, file);
  return sliding.map((slides, index) => ({
    index,
    sliding: slides,
    window: slides ? window : 0,
    headDim,
    nHead: nHead[index],
    nHeadKv: nHeadKv[index],
    nFf: nFf[index],
    ...sharing[index],
    ropeBase: slides ? slidingBase : base,
    ropeScale: slides ? 1 : ropeScale,
    ropeFactors: null,
    sparsity: sparsity[index],
  }));
}

/** By layer; files write −∞ for layers that are not sparse. */
function readSparsity(keys: ArchitectureKeys, {metadata}: GgufFile): (number | null)[] {
  const key = keys.key('activation_sparsity_scale');
  if (!metadata.has(key)) return Array.from({length: keys.nLayers}, (_, i) => (i < SPARSE_LAYERS ? SPARSITY : null));
  const values = Array.from(metadata.numericArray(key));
  if (values.length !== keys.nLayers) throw invalid(key, `${values.length} values`, `${keys.nLayers}, one a layer`);
  return values.map((value, i) => {
    if (value === Number.NEGATIVE_INFINITY) return null;
    if (Math.abs(value) <= 100) return value; // NaN is not
    throw invalid(`${key}[${i}]`, value, 'a number from -100 to 100, or -Infinity for none');
  });
}

/** Every tensor the forward pass reads. */
function tensorRules(config: ModelDescription['config'], laurelRank: number): TensorRule[] {
  const {nEmbd, layers} = config;
  const rules = new TensorRules();
  rules.ends(config);
  rules.matrix('altup_proj.weight', nEmbd, nEmbd, STREAMS - 1);
  rules.matrix('altup_unembd_proj.weight', nEmbd, nEmbd, STREAMS - 1);
  rules.perLayerInputs(config);
  for (const layer of layers) {
    const block = `blk.${layer.index}`;
    rules.layer(layer, nEmbd, {headNorms: true, postNorms: true});
    rules.vector(`${block}.altup_router_norm.weight`, nEmbd);
    rules.matrix(`${block}.altup_router.weight`, nEmbd, STREAMS);
    rules.matrix(`${block}.altup_predict_coef.weight`, STREAMS, STREAMS * STREAMS);
    rules.matrix(`${block}.altup_correct_coef.weight`, STREAMS, STREAMS);
    rules.vector(`${block}.altup_correct_scale.weight`, nEmbd);
    rules.matrix(`${block}.laurel_l.weight`, nEmbd, laurelRank);
    rules.matrix(`${block}.laurel_r.weight`, laurelRank, nEmbd);
    rules.vector(`${block}.laurel_post_norm.weight`, nEmbd);
    rules.perLayerBranch(layer, config);
  }
  return rules.list;
}
