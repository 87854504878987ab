// Gemma 3's metadata keys and tensor table: what a `gemma3` GGUF must hold to run as text. Knows no data.
import {GemmaError} from '../../../errors.ts';
import type {GgufFile} from '../../../gguf/gguf-file.ts';
import {ArchitectureKeys, TensorRules} from '../architecture-keys.ts';
import type {LayerConfig, ModelConfig, ModelDescription} from '../model-config.ts';

/** Gemma 3: scores have a scale. */
export interface Gemma3Config extends ModelConfig {
  architecture: 'gemma3';
  /** What scores are multiplied by. */
  attentionScale: number;
}

/** The 27B model scales scores by √(nEmbd / nHead), not by √headDim. No key has that; it is known by its number of layers. */
const LAYERS_OF_27B = 62;
/** Models of this context (4B and larger) were trained with positions of full layers divided by 8. */
const SCALED_CONTEXT = 131072;

/** @throws GemmaError `config-invalid`, `architecture-unsupported` */
export function describeGemma3(file: GgufFile): ModelDescription<Gemma3Config> {
  refuseEmbeddingModel(file);
  const keys = new ArchitectureKeys(file, 'gemma3');
  const common = keys.common(0);
  const layers = readLayers(keys, common.contextLength);
  const [{nHead, headDim}] = layers;
  const config = {
    ...common,
    architecture: 'gemma3' as const,
    nEmbdPerLayer: 0,
    perLayerTable: null,
    attentionScale: (keys.nLayers === LAYERS_OF_27B ? Math.floor(keys.nEmbd / nHead) : headDim) ** -0.5,
    layers,
  };
  const rules = new TensorRules();
  rules.ends(config);
  for (const layer of layers) rules.layer(layer, keys.nEmbd, {headNorms: true, postNorms: true});
  return {config, rules: rules.list};
}

/** Layers by the keys of Gemma 3. */
export function readLayers(keys: ArchitectureKeys, contextLength: number): LayerConfig[] {
  const {nHead, nHeadKv, nFf} = keys.sizes();
  const headDim = keys.headDim(keys.nEmbd / nHead[0]);
  // A file without a window is of the variant whose layers are all full.
  const window = keys.integer('attention.sliding_window', 0, 2 ** 24, 0);
  const sliding = keys.sliding(6);
  // The second names, and files without any, are those of early versions of Ollama.
  const base = keys.ropeBase(['rope.freq_base', 'rope.global.freq_base'], 1e6);
  const slidingBase = keys.ropeBase(['rope.freq_base_swa', 'rope.local.freq_base'], 1e4);
  const scale = keys.ropeScale(contextLength >= SCALED_CONTEXT ? 8 : 1);
  return nHead.map((heads, index) => {
    const slides = window > 0 && sliding[index];
    return {
      index,
      sliding: slides,
      window: slides ? window : 0,
      headDim,
      nHead: heads,
      nHeadKv: nHeadKv[index],
      nFf: nFf[index],
      hasKv: true,
      kvSource: index,
      ropeBase: slides ? slidingBase : base,
      ropeScale: slides ? 1 : scale,
      ropeFactors: null,
    };
  });
}

/** Early versions of Ollama call EmbeddingGemma a gemma3. */
function refuseEmbeddingModel({tensors}: GgufFile): void {
  if (!tensors.has('dense.0.weight')) return;
  throw new GemmaError(
    'architecture-unsupported',
    'found an embedding model (it has a tensor dense.0.weight); text models of gemma3 are supported. Choose a chat model',
    {detail: {architecture: 'gemma3', tensor: 'dense.0.weight'}},
  );
}
