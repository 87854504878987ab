// EmbeddingGemma's metadata keys and tensor table: what a `gemma-embedding` GGUF must hold. Knows no data.
import {GemmaError} from '../../../errors.ts';
import type {GgufFile} from '../../../gguf/gguf-file.ts';
import {ArchitectureKeys, TensorRules} from '../architecture-keys.ts';
import {bounded, invalid} from '../config-checks.ts';
import {readLayers} from '../gemma3/config.ts';
import type {LayerConfig, ModelConfig, ModelDescription} from '../model-config.ts';

/** EmbeddingGemma: the layers of Gemma 3 read in both directions, a mean, and two matrices after it. */
export interface GemmaEmbeddingConfig extends ModelConfig {
  architecture: 'gemma-embedding';
  /** What scores are multiplied by. */
  attentionScale: number;
  /** Width of a text's vector. */
  nVector: number;
}

/** `pooling_type` of llama.cpp: the mean over tokens. */
const MEAN = 1;
/** A key of GGUF has the width of the window, both sides together; a row sees half of it on each side, and itself. */
const reach = (window: number): number => Math.floor(window / 2) + 1;

/** @throws GemmaError `config-invalid`, `tensor-missing` for a file without its dense layers */
export function describeGemmaEmbedding(file: GgufFile): ModelDescription<GemmaEmbeddingConfig> {
  const keys = new ArchitectureKeys(file, 'gemma-embedding');
  const common = keys.common(0);
  const pooling = keys.integer('pooling_type', 0, 255, MEAN);
  if (pooling !== MEAN) throw invalid(keys.key('pooling_type'), pooling, '1, the mean over tokens');
  const written = readLayers(keys, common.contextLength);
  // All layers are computed one after the other over whole texts: they share the keys and values of the first.
  const layers = written.map((layer): LayerConfig => {
    const {index, sliding, window} = layer;
    return {...layer, sliding: false, window: sliding ? reach(window) : 0, hasKv: index === 0, kvSource: 0};
  });
  if (layers.some(({nHeadKv, headDim}) => nHeadKv * headDim !== layers[0].nHeadKv * layers[0].headDim)) {
    throw invalid(keys.key('attention.head_count_kv'), 'a list', 'one number for all layers');
  }
  const hidden = denseWidth(file);
  const config = {
    ...common,
    architecture: 'gemma-embedding' as const,
    nEmbdPerLayer: 0,
    perLayerTable: null,
    attentionScale: layers[0].headDim ** -0.5,
    nVector: keys.nEmbd,
    layers,
  };
  const rules = new TensorRules();
  rules.ends(config);
  for (const layer of written) rules.layer(layer, keys.nEmbd, {headNorms: true, postNorms: true});
  rules.matrix('dense_2.weight', keys.nEmbd, hidden);
  rules.matrix('dense_3.weight', hidden, keys.nEmbd);
  return {config, rules: rules.list};
}

/** Width between the two dense layers. */
function denseWidth({tensors}: GgufFile): number {
  const dense = tensors.get('dense_2.weight');
  if (dense && tensors.has('dense_3.weight')) {
    return bounded('dense_2.weight rows', dense.shape[1] ?? 1, 1, 2 ** 16);
  }
  throw new GemmaError(
    'tensor-missing',
    'the file has no tensors dense_2.weight and dense_3.weight: it was converted without the last two layers of ' +
      'EmbeddingGemma, and its vectors would not be those of the model. Get a file that has them',
    {detail: {tensor: 'dense_2.weight', expected: [768, 3072]}},
  );
}
