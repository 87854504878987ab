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
import {rmsNorm, scaled} from '../model-ops.ts';
import {ReferenceWeights} from '../model-weights.ts';
import type {Rows} from '../types.ts';

type Parts = {config: GemmaEmbeddingConfig; weights: ReferenceWeights};

export class GemmaEmbeddingReference {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async load(source: ByteSource, file: GgufFile): Promise<GemmaEmbeddingReference> {
    const config = readEncoderConfig(file);
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
    const norm = weights.vector('output_norm.weight');
    const mean = new Float64Array(config.nEmbd);
    for (const row of h) {
      rmsNorm(row, config.normEps, norm).forEach((value, i) => {
        mean[i] += value / h.length;
      });
    }
    const [vector] = weights.matrix('dense_3.weight').multiply(weights.matrix('dense_2.weight').multiply([mean]));
    return scaled(vector, 1 / Math.hypot(...vector));
  }
}

/** h: [n][nEmbd] → RMS(Wo · attention(RMS(h))). */
function attention(parts: Parts, layer: LayerConfig, h: Rows): Rows {
  const {nHead, nHeadKv, headDim, window, index} = layer;
  const block = `blk.${index}`;
  const x = rmsNormRows(parts, h, `${block}.attn_norm.weight`);
  const q = applyRope(layer, normedHeads(parts, layer, 'q', qkvProj(parts, layer, 'q', x)));
  const k = applyRope(layer, normedHeads(parts, layer, 'k', qkvProj(parts, layer, 'k', x)));
  const v = qkvProj(parts, layer, 'v', x);
  const attended = q.map((row, position) => {
    const y = new Float64Array(nHead * headDim);
    for (let head = 0; head < nHead; head++) {
      const kv = Math.floor((head * nHeadKv) / nHead) * headDim;
      const near = k.map((_, p) => p).filter((p) => window === 0 || Math.abs(p - position) < window);
      const scores = near.map((p) => {
        let score = 0;
        for (let i = 0; i < headDim; i++) score += row[head * headDim + i] * k[p][kv + i];
        return score * parts.config.attentionScale;
      });
      const largest = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - largest));
      const total = weights.reduce((a, b) => a + b, 0);
      near.forEach((p, j) => {
        for (let i = 0; i < headDim; i++) y[head * headDim + i] += (weights[j] / total) * v[p][kv + i];
      });
    }
    return y;
  });
  return normedOutput(parts, `${block}.attn_output.weight`, attended, `${block}.post_attention_norm.weight`);
}
