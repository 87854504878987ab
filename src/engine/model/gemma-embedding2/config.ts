// EmbeddingGemma 2's metadata keys and tensor table: what a `gemma-embedding2` GGUF must hold to embed texts. Knows no data.
import type {GgufFile} from '../../../gguf/gguf-file.ts';
import {ArchitectureKeys, TensorRules} from '../architecture-keys.ts';
import {bothDirections, expectMean} from '../both-directions.ts';
import {type Gemma4Layer, readWrittenLayers} from '../gemma4/config.ts';
import type {ModelConfig, ModelDescription} from '../model-config.ts';

/** EmbeddingGemma 2: the layers of Gemma 4 read in both directions, a mean, and one matrix after it. */
export interface GemmaEmbedding2Config extends ModelConfig {
  architecture: 'gemma-embedding2';
  /** Width of a text's vector. */
  nVector: number;
  layers: readonly Gemma4Layer[];
}

/** @throws GemmaError `config-invalid` */
export function describeGemmaEmbedding2(file: GgufFile): ModelDescription<GemmaEmbedding2Config> {
  const keys = new ArchitectureKeys(file, 'gemma-embedding2');
  keys.refuseRopeScaling();
  expectMean(keys);
  const written = readWrittenLayers(keys, file, keys.sliding(6));
  const config = {
    ...keys.common(0),
    architecture: 'gemma-embedding2' as const,
    // `output.weight` leads from the mean to the vector; there is no head.
    tiedHead: true,
    nEmbdPerLayer: keys.integer('embedding_length_per_layer_input', 1, 2 ** 12),
    perLayerTable: null,
    nVector: keys.integer('embedding_length_out', 1, 2 ** 16),
    layers: bothDirections(keys, written),
  };
  const rules = new TensorRules();
  rules.ends(config);
  rules.matrix('output.weight', config.nEmbd, config.nVector);
  rules.perLayerProjection(config);
  for (const layer of written) {
    rules.layer(layer, config.nEmbd, {headNorms: true, postNorms: true});
    rules.perLayerBranch(layer, config);
    if (layer.hasOutputScale) rules.vector(`blk.${layer.index}.layer_output_scale.weight`, 1);
  }
  return {config, rules: rules.list};
}
