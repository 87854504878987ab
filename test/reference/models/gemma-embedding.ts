// EmbeddingGemma in float64, one text at a time: every token attends every other, on sliding layers those near it. The
// same on the GPU: src/engine/model/gemma-embedding/forward.ts.
import {readEncoderConfig} from '../../../src/engine/model/encoders.ts';
import type {GemmaEmbeddingConfig} from '../../../src/engine/model/gemma-embedding/config.ts';
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
  qkvProj,
  rmsNormRows,
} from '../model-blocks.ts';
import {scaled} from '../model-ops.ts';
import {ReferenceWeights} from '../model-weights.ts';
import type {Rows} from '../types.ts';
import {attendBoth, meanOf} from './both-directions.ts';

type Parts = {config: GemmaEmbeddingConfig; weights: ReferenceWeights};

export class GemmaEmbeddingReference {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async load(source: ByteSource, file: GgufFile): Promise<GemmaEmbeddingReference> {
    const config = readEncoderConfig(file) as GemmaEmbeddingConfig;
    return new GemmaEmbeddingReference({config, weights: await ReferenceWeights.read(source, config)});
  }

  /** f64[nVector] of length one. */
  embed(tokens: readonly number[]): Float64Array {
    const {config, weights} = this.#parts;
    let h = embeddings(this.#parts, tokens);
    for (const layer of config.layers) {
      h = addRows(h, attention(this.#parts, layer, h));
      h = addRows(h, feedForward(this.#parts, layer, h));
    }
    const mean = meanOf(rmsNormRows(this.#parts, h, 'output_norm.weight'));
    const [vector] = weights.matrix('dense_3.weight').multiply(weights.matrix('dense_2.weight').multiply([mean]));
    return scaled(vector, 1 / Math.hypot(...vector));
  }
}

/** h: [n][nEmbd] → RMS(Wo · attention(RMS(h))). */
function attention(parts: Parts, layer: LayerConfig, h: Rows): Rows {
  const block = `blk.${layer.index}`;
  const x = rmsNormRows(parts, h, `${block}.attn_norm.weight`);
  const q = applyRope(layer, normedHeads(parts, layer, 'q', qkvProj(parts, layer, 'q', x)));
  const k = applyRope(layer, normedHeads(parts, layer, 'k', qkvProj(parts, layer, 'k', x)));
  const v = qkvProj(parts, layer, 'v', x);
  const attended = attendBoth(layer, parts.config.attentionScale, q, k, v);
  return normedOutput(parts, `${block}.attn_output.weight`, attended, `${block}.post_attention_norm.weight`);
}
