// EmbeddingGemma 2 in float64, one text at a time, each token projected before the mean, as transformers has it. The same on
// the GPU: src/engine/model/gemma-embedding2/forward.ts.
import {readEncoderConfig} from '../../../src/engine/model/encoders.ts';
import type {GemmaEmbedding2Config} from '../../../src/engine/model/gemma-embedding2/config.ts';
import type {LayerConfig} from '../../../src/engine/model/model-config.ts';
import type {ByteSource} from '../../../src/gguf/byte-source.ts';
import type {GgufFile} from '../../../src/gguf/gguf-file.ts';
import {
  addRows,
  applyRope,
  embeddings,
  feedForward,
  normedHeads,
  normedOutput,
  perLayerBranch,
  projectedInputs,
  qkvProj,
  type ReferenceParts,
  rmsNormRows,
} from '../model-blocks.ts';
import {rmsNormEach, scaled} from '../model-ops.ts';
import {ReferenceWeights} from '../model-weights.ts';
import type {Rows} from '../types.ts';
import {attendBoth, meanOf} from './both-directions.ts';

type Parts = ReferenceParts<GemmaEmbedding2Config>;

export class GemmaEmbedding2Reference {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async load(source: ByteSource, file: GgufFile): Promise<GemmaEmbedding2Reference> {
    const config = readEncoderConfig(file) as GemmaEmbedding2Config;
    return new GemmaEmbedding2Reference({config, weights: await ReferenceWeights.read(source, config)});
  }

  /** f64[nVector] of length one. */
  embed(tokens: readonly number[]): Float64Array {
    const parts = this.#parts;
    const {config, weights} = parts;
    let h = embeddings(parts, tokens);
    const perLayer = projectedInputs(parts, h);
    for (const layer of config.layers) {
      h = addRows(h, attention(parts, layer, h));
      h = addRows(h, feedForward(parts, layer, h));
      h = addRows(h, perLayerBranch(parts, layer, h, perLayer));
      if (layer.hasOutputScale) {
        const [scale] = weights.vector(`blk.${layer.index}.layer_output_scale.weight`);
        h = h.map((row) => scaled(row, scale));
      }
    }
    const vector = meanOf(weights.matrix('output.weight').multiply(rmsNormRows(parts, h, 'output_norm.weight')));
    return scaled(vector, 1 / Math.hypot(...vector));
  }
}

/** h: [n][nEmbd] → RMS(Wo · attention(RMS(h))): queries, keys and values are normed a head, scores have no scale. */
function attention(parts: Parts, layer: LayerConfig, h: Rows): Rows {
  const block = `blk.${layer.index}`;
  const x = rmsNormRows(parts, h, `${block}.attn_norm.weight`);
  const q = applyRope(layer, normedHeads(parts, layer, 'q', qkvProj(parts, layer, 'q', x)));
  const k = applyRope(layer, normedHeads(parts, layer, 'k', qkvProj(parts, layer, 'k', x)));
  const v = qkvProj(parts, layer, 'v', x).map((row) => rmsNormEach(row, layer.headDim, parts.config.normEps));
  const attended = attendBoth(layer, 1, q, k, v);
  return normedOutput(parts, `${block}.attn_output.weight`, attended, `${block}.post_attention_norm.weight`);
}
