// What of an index finds by meaning: the vectors of its passages and what embeds a question. Loaded after the first question,
// which words alone answer. Knows no ranking.

import {invalidIndex} from './bytes.ts';
import {QuestionEncoder} from './encoder/question-encoder.ts';
import {readVectorBlock, type VectorInfo, Vectors} from './vectors.ts';

export type ReadFile = (name: string) => Promise<Uint8Array>;
/** From a question to its vector, of length one. */
export type Embed = (question: string) => Promise<Float32Array>;

export class Meaning {
  readonly #info: VectorInfo;
  readonly #vectors: Vectors;
  readonly #embed: Embed;

  private constructor(info: VectorInfo, vectors: Vectors, embed: Embed) {
    this.#info = info;
    this.#vectors = vectors;
    this.#embed = embed;
  }

  /**
   * @param limit one more than the highest number of a passage
   * @param embed of a model outside of the index; needed where the index has none
   * @throws KnowledgeFailure
   */
  static async open(info: VectorInfo, limit: number, read: ReadFile, embed?: Embed): Promise<Meaning> {
    const {blocks, dimensions, encoder} = info;
    const embedder = embed ?? (encoder === undefined ? undefined : await openEncoder(encoder, dimensions, read));
    if (!embedder) throw invalidIndex('it has vectors and nothing to embed a question with');
    const vectors: [number, Int8Array][] = [];
    for (const {file} of blocks) {
      vectors.push(...readVectorBlock(await read(file), dimensions, limit));
      if (vectors.length > limit) throw invalidIndex('it has more vectors than passages');
    }
    return new Meaning(info, new Vectors(dimensions, vectors), embedder);
  }

  /** The cosine of each passage to the question, by number. */
  async cosines(question: string): Promise<Map<number, number>> {
    const vector = await this.#embed(this.#info.prefix + question);
    if (vector.length !== this.#info.dimensions) throw invalidIndex('its vectors are of another model');
    const cosines = new Map<number, number>();
    for (const {passage, cosine} of this.#vectors.near(vector)) cosines.set(passage, cosine);
    return cosines;
  }
}

async function openEncoder(name: string, dimensions: number, read: ReadFile): Promise<Embed> {
  const encoder = await QuestionEncoder.open(name, read);
  if (encoder.dimensions !== dimensions) throw invalidIndex('its vectors are of another model than its encoder');
  return (question) => encoder.vector(question);
}
