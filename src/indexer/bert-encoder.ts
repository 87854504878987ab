// A BERT as what embeds passages, and its files in an index for what embeds questions. Knows no folder of a site.
import {
  QUESTION_TOKENS,
  WORDS,
  writeEncoderInfo,
  writeInput,
  writeLayer,
  writeWords,
} from '../knowledge/encoder/files.ts';
import type {StoreFile} from '../knowledge/index-builder.ts';
import {evenParts} from '../knowledge/passages.ts';
import {type BertModel, BertVectors} from './bert-model.ts';
import type {EmbeddedPassage, PassageEncoder} from './passage-vectors.ts';

/** Headings of a passage that are embedded with it, beside the page's title. */
const HEADINGS = 2;
/** Most words of a part of a passage that has a vector of its own. */
const PART_WORDS = 100;

export function bertEncoder(model: BertModel): PassageEncoder {
  const vectors = new BertVectors(model);
  return {
    model: `${model.name} ${model.sha256.slice(0, 16)}`,
    dimensions: model.shape.nEmbd,
    prefix: '',
    embed: async (passages) => passages.map((passage) => textsOf(passage).map((text) => vectors.vector(text))),
    addFiles: (store) => addEncoder(model, store),
    destroy: () => undefined,
  };
}

/** Each part of a passage under its headings: a small model says little of a long text in one vector. */
function textsOf({title, headings, text}: EmbeddedPassage): string[] {
  const above = [title, ...headings.slice(-HEADINGS)].join(' ');
  return evenParts(text, PART_WORDS).map((part) => `${above}\n${part}`);
}

/** Stores what a browser needs and returns the name of the file that names the others. */
function addEncoder({shape, vocabulary, words, positions, norm, layers}: BertModel, store: StoreFile): string {
  const small = {...shape, maxTokens: Math.min(shape.maxTokens, QUESTION_TOKENS)};
  const rows: string[] = [];
  for (let at = 0; at < vocabulary.length; at += WORDS) {
    rows.push(store(writeWords(words.subarray(at * shape.nEmbd, (at + WORDS) * shape.nEmbd), shape.nEmbd)));
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
