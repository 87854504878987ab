// EmbeddingGemma (Gemma team, "EmbeddingGemma: Powerful and lightweight text representations", 2025), in reading order.
// n is a step's rows, m its texts. The same in float64: test/reference/models/gemma-embedding.ts.
import type {GraphBuilder} from '../../graph/builder.ts';
import type {Activation} from '../../graph/graph.ts';
import {embed} from '../decoder.ts';
import {decoderLayer} from '../gemma3/forward.ts';
import type {GemmaEmbeddingConfig} from './config.ts';

/** Token ids of whole texts → one vector a text, of any length: [m][nVector]. */
export function forwardGemmaEmbedding(g: GraphBuilder, config: GemmaEmbeddingConfig): Activation {
  const {linear, meanRows, rmsNorm} = g;
  const cache = g.cache(config.layers[0]);
  let h = embed(g, config); // [n][nEmbd]
  for (const layer of config.layers) h = decoderLayer(g.block(layer.index), config, layer, h, cache);

  const w = g.weights<'output_norm' | 'dense_2' | 'dense_3'>();
  const mean = meanRows(rmsNorm(h, w.output_norm)); // [m][nEmbd]
  return linear(w.dense_3, linear(w.dense_2, mean));
}
