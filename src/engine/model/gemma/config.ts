// The first Gemma's metadata keys and tensor table: what a `gemma` GGUF must hold. Knows no data.
import type {GgufFile} from '../../../gguf/gguf-file.ts';
import {ArchitectureKeys, TensorRules} from '../architecture-keys.ts';
import type {LayerConfig, ModelConfig, ModelDescription} from '../model-config.ts';

/** The first Gemma: nothing beyond what all models have. */
export interface GemmaConfig extends ModelConfig {
  architecture: 'gemma';
}

/** @throws GemmaError `config-invalid` */
export function describeGemma(file: GgufFile): ModelDescription<GemmaConfig> {
  const keys = new ArchitectureKeys(file, 'gemma');
  const layers = readLayers(keys);
  const config = {...keys.common(0), architecture: 'gemma' as const, nEmbdPerLayer: 0, perLayerTable: null, layers};
  const rules = new TensorRules();
  rules.ends(config);
  for (const layer of layers) rules.layer(layer, keys.nEmbd, {headNorms: false, postNorms: false});
  return {config, rules: rules.list};
}

function readLayers(keys: ArchitectureKeys): LayerConfig[] {
  const {nHead, nHeadKv, nFf} = keys.sizes();
  const headDim = keys.headDim(keys.nEmbd / nHead[0]);
  const ropeBase = keys.ropeBase(['rope.freq_base'], 1e4);
  const ropeScale = keys.ropeScale(1);
  return nHead.map((heads, index) => ({
    index,
    sliding: false,
    window: 0,
    headDim,
    nHead: heads,
    nHeadKv: nHeadKv[index],
    nFf: nFf[index],
    hasKv: true,
    kvSource: index,
    ropeBase,
    ropeScale,
    ropeFactors: null,
  }));
}
