// The vectors of a site's passages while its index is made: embedded once, taken from the index before where the text is the
// same. Knows no model.
import {createHash} from 'node:crypto';
import type {DirectoryEntry} from '../knowledge/format.ts';
import type {StoreFile} from '../knowledge/index-builder.ts';
import {quantize, type VectorInfo, writeVectorBlock} from '../knowledge/vectors.ts';

export interface EmbeddedPassage {
  title: string;
  headings: readonly string[];
  text: string;
}

/** A model that embeds passages. */
export interface PassageEncoder {
  /** Names its weights: vectors of another model are not taken over. */
  model: string;
  dimensions: number;
  /** Put before a question. */
  prefix: string;
  /** The vectors of each passage: one for each part that is read at once. */
  embed(passages: readonly EmbeddedPassage[]): Promise<Float32Array[][]>;
  /** Adds what a visitor's browser embeds questions with to the index; undefined where it brings its own. */
  addFiles(store: StoreFile): string | undefined;
  destroy(): void;
}

/** Vectors of a block, from which on the next passage begins another. */
const BLOCK = 512;

/** Key of a passage in `known`. */
export function passageKey({title, headings, text}: EmbeddedPassage): string {
  return createHash('sha256')
    .update(JSON.stringify([title, headings, text]))
    .digest('base64');
}

/** `add` pages in order, then `finish`. */
export class PassageVectors {
  readonly #encoder: PassageEncoder;
  readonly #known: ReadonlyMap<string, Int8Array[]>;
  readonly #vectors: [number, Int8Array][] = [];
  reused = 0;

  constructor(encoder: PassageEncoder, known: ReadonlyMap<string, Int8Array[]>) {
    this.#encoder = encoder;
    this.#known = known;
  }

  /** @param first number of the first passage */
  async add(first: number, passages: readonly EmbeddedPassage[]): Promise<void> {
    const known = passages.map((passage) => this.#known.get(passageKey(passage)));
    const fresh = await this.#encoder.embed(passages.filter((_, i) => !known[i]));
    let at = 0;
    known.forEach((vectors, i) => {
      if (vectors) this.reused += 1;
      for (const vector of vectors ?? fresh[at++].map(quantize)) this.#vectors.push([first + i, vector]);
    });
  }

  finish(store: StoreFile): VectorInfo {
    const {model, dimensions, prefix} = this.#encoder;
    const blocks: DirectoryEntry<number>[] = [];
    for (let at = 0; at < this.#vectors.length; ) {
      let end = Math.min(at + BLOCK, this.#vectors.length);
      while (end < this.#vectors.length && this.#vectors[end][0] === this.#vectors[end - 1][0]) end += 1;
      const block = this.#vectors.slice(at, end);
      blocks.push({first: block[0][0], file: store(writeVectorBlock(block))});
      at = end;
    }
    const encoder = this.#encoder.addFiles(store);
    return {model, dimensions, prefix, blocks, ...(encoder === undefined ? {} : {encoder})};
  }
}
