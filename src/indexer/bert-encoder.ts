// A BERT as what embeds passages, and its files in an index for what embeds questions. Knows no folder of a site.
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
import type {EmbeddedPassage, PassageEncoder} from './passage-vectors.ts';

/** Headings of a passage that are embedded with it, beside the page's title. */
const HEADINGS = 2;

export function bertEncoder(model: BertModel): PassageEncoder {
  const vectors = new BertVectors(model);
  return {
    model: `${model.name} ${model.sha256.slice(0, 16)}`,
    dimensions: model.shape.nEmbd,
    prefix: '',
    embed: async (passages) => passages.map((passage) => vectors.vector(textOf(passage))),
    addFiles: (store) => addEncoder(model, store),
    destroy: () => undefined,
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
