// A BERT as what embeds passages, and its files in an index for what embeds questions. Knows no folder of a site.
import {availableParallelism} from 'node:os';
import {
  QUESTION_TOKENS,
  wordFile,
  wordsOfFile,
  writeEncoderInfo,
  writeInput,
  writeLayer,
  writeWords,
} from '../knowledge/encoder/files.ts';
import type {StoreFile} from '../knowledge/index-builder.ts';
import {type BertModel, BertVectors} from './bert-model.ts';
import {BertPool} from './bert-pool.ts';
import type {EmbeddedPassage, PassageEncoder} from './passage-vectors.ts';

/** Headings of a passage that are embedded with it, beside the page's title. */
const HEADINGS = 2;

/** Fewer passages are embedded sooner than threads have read the model. */
const WORTH_THREADS = 64;
/** A thread holds the model. */
const MOST_THREADS = 8;

/** @param folder where the model was read from; @param threads at most as many work on a batch */
export function bertEncoder(model: BertModel, folder: string, threads = availableParallelism()): PassageEncoder {
  const vectors = new BertVectors(model);
  const pool = new BertPool(folder, Math.min(threads, MOST_THREADS));
  return {
    model: `${model.name} ${model.sha256.slice(0, 16)}`,
    dimensions: model.shape.nEmbd,
    prefix: '',
    embed: async (passages) => {
      const texts = passages.map(textOf);
      if (threads > 1 && texts.length >= WORTH_THREADS) return pool.vectors(texts);
      return texts.map((text) => vectors.vector(text));
    },
    addFiles: (store) => addEncoder(model, store),
    destroy: () => pool.destroy(),
  };
}

function textOf({title, headings, text}: EmbeddedPassage): string {
  return `${[title, ...headings.slice(-HEADINGS)].join(' ')}\n${text}`;
}

/** Stores what a browser needs and returns the name of the file that names the others. */
function addEncoder({shape, vocabulary, words, positions, norm, layers}: BertModel, store: StoreFile): string {
  const small = {...shape, maxTokens: Math.min(shape.maxTokens, QUESTION_TOKENS)};
  const rows: string[] = [];
  for (let file = 0; file <= wordFile(vocabulary.length - 1, vocabulary.length).file; file++) {
    const {first, end} = wordsOfFile(file, vocabulary.length);
    rows.push(store(writeWords(words.subarray(first * shape.nEmbd, end * shape.nEmbd), shape.nEmbd)));
  }
  return store(
    writeEncoderInfo({
      shape: small,
      pieces: vocabulary.length,
      vocabulary: store(new TextEncoder().encode(vocabulary.join('\n'))),
      input: store(writeInput(small, norm, positions)),
      layers: layers.map((layer) => store(writeLayer(shape, layer))),
      words: rows,
    }),
  );
}
