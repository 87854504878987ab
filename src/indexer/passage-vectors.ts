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
  embed(passages: readonly EmbeddedPassage[]): Promise<Float32Array[]>;
  /** Adds what a visitor's browser embeds questions with to the index; undefined where it brings its own. */
  addFiles(store: StoreFile): string | undefined;
  destroy(): Promise<void>;
}

/** Passages of a block. */
const BLOCK = 512;

/** Key of a passage in `known`. */
export function passageKey({title, headings, text}: EmbeddedPassage): string {
  return createHash('sha256')
    .update(JSON.stringify([title, headings, text]))
    .digest('base64');
}

/** Passages that are embedded together, so that every core has some. */
const TOGETHER = 512;

/** `add` pages in order, then `finish`. */
export class PassageVectors {
  readonly #encoder: PassageEncoder;
  readonly #known: ReadonlyMap<string, Int8Array>;
  readonly #vectors: [number, Int8Array][] = [];
  #fresh: {number: number; passage: EmbeddedPassage}[] = [];
  reused = 0;

  constructor(encoder: PassageEncoder, known: ReadonlyMap<string, Int8Array>) {
    this.#encoder = encoder;
    this.#known = known;
  }

  /** @param first number of the first passage */
  async add(first: number, passages: readonly EmbeddedPassage[]): Promise<void> {
    passages.forEach((passage, i) => {
      const known = this.#known.get(passageKey(passage));
      if (known) {
        this.reused += 1;
        this.#vectors.push([first + i, known]);
      } else this.#fresh.push({number: first + i, passage});
    });
    if (this.#fresh.length >= TOGETHER) await this.#embed();
  }

  async #embed(): Promise<void> {
    const fresh = this.#fresh;
    this.#fresh = [];
    const vectors = await this.#encoder.embed(fresh.map(({passage}) => passage));
    fresh.forEach(({number}, i) => {
      this.#vectors.push([number, quantize(vectors[i])]);
    });
  }

  async finish(store: StoreFile): Promise<VectorInfo> {
    await this.#embed();
    this.#vectors.sort(([a], [b]) => a - b);
    const {model, dimensions, prefix} = this.#encoder;
    const blocks: DirectoryEntry<number>[] = [];
    for (let at = 0; at < this.#vectors.length; at += BLOCK) {
      const block = this.#vectors.slice(at, at + BLOCK);
      blocks.push({first: block[0][0], file: store(writeVectorBlock(block))});
    }
    const encoder = this.#encoder.addFiles(store);
    return {model, dimensions, prefix, blocks, ...(encoder === undefined ? {} : {encoder})};
  }
}
