// EmbeddingGemma 2 (transformers: `EmbeddingGemma2TextModel`), in reading order. n is a step's rows, m its texts. The same
// in float64: test/reference/models/gemma-embedding2.ts.
import type {GraphBuilder} from '../../graph/builder.ts';
import type {Activation} from '../../graph/graph.ts';
import {embed} from '../decoder.ts';
import {decoderLayer} from '../gemma4/forward.ts';
import {projectedInputs} from '../per-layer-embeddings.ts';
import type {GemmaEmbedding2Config} from './config.ts';

/** Token ids of whole texts → one vector a text, of any length: [m][nVector]. */
export function forwardGemmaEmbedding2(g: GraphBuilder, config: GemmaEmbedding2Config): Activation {
  let h = embed(g, config); // [n][nEmbd]
  const perLayer = projectedInputs(g, config, h); // [n][layers][nEmbdPerLayer]
  // Every layer writes its keys and values, where those of the layer before were.
  for (const layer of config.layers) h = decoderLayer(g, config, {...layer, hasKv: true}, h, perLayer);

  const w = g.weights<'output_norm' | 'output'>();
  // The model projects every token and takes the mean of that, which is the projection of the mean.
  return g.linear(w.output, g.meanRows(g.rmsNorm(h, w.output_norm)));
}
