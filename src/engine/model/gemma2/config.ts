// Gemma 2's metadata keys and tensor table: what a `gemma2` GGUF must hold. Knows no data.
import type {GgufFile} from '../../../gguf/gguf-file.ts';
import {ArchitectureKeys, TensorRules} from '../architecture-keys.ts';
import type {LayerConfig, ModelConfig, ModelDescription} from '../model-config.ts';

/** Gemma 2: scores have a scale and a soft cap. */
export interface Gemma2Config extends ModelConfig {
  architecture: 'gemma2';
  /** What scores are multiplied by. */
  attentionScale: number;
  /** Then soft-capped: cap · tanh(score / cap); 0: they are not. */
  attentionSoftcap: number;
}

/** The 27B model scales scores by √(nEmbd / nHead), not by √headDim. No key has that; it is known by its number of layers. */
const LAYERS_OF_27B = 46;

/** @throws GemmaError `config-invalid` */
export function describeGemma2(file: GgufFile): ModelDescription<Gemma2Config> {
  const keys = new ArchitectureKeys(file, 'gemma2');
  const layers = readLayers(keys);
  const [{nHead, headDim}] = layers;
  const config = {
    ...keys.common(30),
    architecture: 'gemma2' as const,
    nEmbdPerLayer: 0,
    perLayerTable: null,
    attentionScale: (keys.nLayers === LAYERS_OF_27B ? Math.floor(keys.nEmbd / nHead) : headDim) ** -0.5,
    attentionSoftcap: keys.softcap('attn_logit_softcapping', 50),
    layers,
  };
  const rules = new TensorRules();
  rules.ends(config);
  for (const layer of layers) rules.layer(layer, keys.nEmbd, {headNorms: false, postNorms: true});
  return {config, rules: rules.list};
}

function readLayers(keys: ArchitectureKeys): LayerConfig[] {
  const {nHead, nHeadKv, nFf} = keys.sizes();
  const headDim = keys.headDim(keys.nEmbd / nHead[0]);
  const window = keys.integer('attention.sliding_window', 1, 2 ** 24, 4096);
  const sliding = keys.sliding(2);
  const ropeBase = keys.ropeBase(['rope.freq_base'], 1e4);
  const ropeScale = keys.ropeScale(1);
  return nHead.map((heads, index) => ({
    index,
    sliding: sliding[index],
    window: sliding[index] ? window : 0,
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
