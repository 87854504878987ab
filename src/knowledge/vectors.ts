// Vectors of passages: how an index has them, and how near a question's is to each. Knows no model and no network.
//
//   vector block   passages by number, and int8[dimensions] of each: its vector over the largest of its numbers, times 127
import {ByteReader, ByteWriter, invalidIndex} from './bytes.ts';
import {type DirectoryEntry, isDirectory, isFile, MAX_FILE} from './format.ts';

/** What `vectors` of a manifest is. */
export interface VectorInfo {
  /** Name of the model that questions must be embedded with. */
  model: string;
  dimensions: number;
  /** Put before a question. */
  prefix: string;
  /** First passage and name of each block. */
  blocks: DirectoryEntry<number>[];
  /** The model's own files, where the index has them. */
  encoder?: string;
}

export const MAX_DIMENSIONS = 1024;
/** Most bytes of all vectors, which a visitor's worker keeps in memory. */
export const MAX_VECTOR_BYTES = 64 * 2 ** 20;

/** @throws KnowledgeFailure `knowledge-invalid` */
export function readVectorInfo(value: unknown, passages: number): VectorInfo {
  const info = (value ?? {}) as VectorInfo;
  const {model, dimensions, prefix, blocks, encoder} = info;
  const valid =
    typeof model === 'string' &&
    model.length <= 300 &&
    typeof prefix === 'string' &&
    prefix.length <= 300 &&
    Number.isSafeInteger(dimensions) &&
    dimensions >= 1 &&
    dimensions <= MAX_DIMENSIONS &&
    dimensions * passages <= MAX_VECTOR_BYTES &&
    isDirectory(blocks, (first) => Number.isSafeInteger(first) && (first as number) >= 0) &&
    (encoder === undefined || isFile(encoder));
  if (!valid) throw invalidIndex('the manifest has no valid "vectors"');
  return info;
}

/** A vector as a block has it. */
export function quantize(vector: Float32Array): Int8Array<ArrayBuffer> {
  let most = 0;
  for (const value of vector) most = Math.max(most, Math.abs(value));
  return Int8Array.from(vector, (value) => (most === 0 ? 0 : Math.round((127 * value) / most)));
}

/** `passages`: by number, with their vectors. */
export function writeVectorBlock(passages: readonly (readonly [number, Int8Array])[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.number(passages.length);
  let last = 0;
  for (const [passage] of passages) {
    writer.number(passage - last);
    last = passage;
  }
  for (const [, vector] of passages) writer.raw(new Uint8Array(vector.buffer, vector.byteOffset, vector.length));
  return writer.finish();
}

/** @param limit one more than the highest number of a passage @throws KnowledgeFailure `knowledge-invalid` */
export function readVectorBlock(bytes: Uint8Array, dimensions: number, limit: number): [number, Int8Array][] {
  if (bytes.length > MAX_FILE) throw invalidIndex(`a block of vectors has more than ${MAX_FILE} bytes`);
  const reader = new ByteReader(bytes, 'a block of vectors');
  const count = reader.count(dimensions);
  let last = 0;
  const passages = Array.from({length: count}, (_, i) => {
    const more = reader.number();
    last += more;
    if (last >= limit || (i > 0 && more === 0))
      throw invalidIndex('a block of vectors names passages that there are not');
    return last;
  });
  const vectors = passages.map((passage): [number, Int8Array] => {
    const raw = reader.raw(dimensions);
    return [passage, new Int8Array(raw.buffer, raw.byteOffset, dimensions)];
  });
  reader.end();
  return vectors;
}

/** All vectors of an index in one piece. */
export class Vectors {
  readonly #dimensions: number;
  readonly #passages: Uint32Array;
  readonly #values: Int8Array;
  /** One over the length of each. */
  readonly #scales: Float32Array;

  constructor(dimensions: number, vectors: readonly (readonly [number, Int8Array])[]) {
    this.#dimensions = dimensions;
    this.#passages = Uint32Array.from(vectors, ([passage]) => passage);
    this.#values = new Int8Array(dimensions * vectors.length);
    this.#scales = Float32Array.from(vectors, ([, vector], i) => {
      this.#values.set(vector, i * dimensions);
      let squares = 0;
      for (const value of vector) squares += value * value;
      return squares === 0 ? 0 : 1 / Math.sqrt(squares);
    });
  }

  /** The cosine of every passage's vector to the question's, which has length one. */
  *near(question: Float32Array): Iterable<{passage: number; cosine: number}> {
    const values = this.#values;
    const dimensions = this.#dimensions;
    for (let p = 0, at = 0; p < this.#passages.length; p++) {
      let sum = 0;
      for (let i = 0; i < dimensions; i++) sum += values[at++] * question[i];
      yield {passage: this.#passages[p], cosine: sum * this.#scales[p]};
    }
  }
}
