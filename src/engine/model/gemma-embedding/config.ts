// EmbeddingGemma's metadata keys and tensor table: what a `gemma-embedding` GGUF must hold. Knows no data.
import {GemmaError} from '../../../errors.ts';
import type {GgufFile} from '../../../gguf/gguf-file.ts';
import {ArchitectureKeys, TensorRules} from '../architecture-keys.ts';
import {bothDirections, expectMean} from '../both-directions.ts';
import {bounded} from '../config-checks.ts';
import {readLayers} from '../gemma3/config.ts';
import type {ModelConfig, ModelDescription} from '../model-config.ts';

/** EmbeddingGemma: the layers of Gemma 3 read in both directions, a mean, and two matrices after it. */
export interface GemmaEmbeddingConfig extends ModelConfig {
  architecture: 'gemma-embedding';
  /** What scores are multiplied by. */
  attentionScale: number;
  /** Width of a text's vector. */
  nVector: number;
}

/** @throws GemmaError `config-invalid`, `tensor-missing` for a file without its dense layers */
export function describeGemmaEmbedding(file: GgufFile): ModelDescription<GemmaEmbeddingConfig> {
  const keys = new ArchitectureKeys(file, 'gemma-embedding');
  const common = keys.common(0);
  expectMean(keys);
  const written = readLayers(keys, common.contextLength);
  const layers = bothDirections(keys, written);
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
    'the file lacks dense_2.weight and dense_3.weight, the last two layers of EmbeddingGemma: its vectors would be of ' +
      'another space. Get a file that has them',
    {detail: {tensor: 'dense_2.weight', expected: [768, 3072]}},
  );
}
