// Tells pages that say the same: other versions of a page, print views. Knows only their blocks.
import {createHash} from 'node:crypto';
import type {Block} from '../knowledge/extract.ts';

/** Share of the letters of two pages together that both have, from which on they are the same. */
const SAME = 0.8;
/** What stands on more pages than this tells none from another. */
const MOST_PAGES = 16;

/** The pages of one site that say the same as one before them. */
export class Duplicates {
  /** Pages on which a block stands, by its hash. */
  readonly #pages = new Map<string, number[]>();
  readonly #letters: number[] = [];

  /** Whether a page like this was seen before; if not, it is remembered. */
  seen(blocks: readonly Block[]): boolean {
    const hashes = new Map<string, number>();
    for (const {text} of blocks) if (text.length >= 20) hashes.set(hash(text), text.length);
    let letters = 0;
    const shared = new Map<number, number>();
    for (const [key, length] of hashes) {
      letters += length;
      for (const page of this.#pages.get(key) ?? []) shared.set(page, (shared.get(page) ?? 0) + length);
    }
    for (const [page, common] of shared) {
      if (common >= SAME * (letters + this.#letters[page] - common)) return true;
    }
    const page = this.#letters.push(letters) - 1;
    for (const key of hashes.keys()) {
      const pages = this.#pages.get(key);
      if (!pages) this.#pages.set(key, [page]);
      else if (pages.length < MOST_PAGES) pages.push(page);
    }
    return false;
  }
}

function hash(text: string): string {
  return createHash('sha1').update(text.replace(/\s+/g, ' ')).digest('base64').slice(0, 14);
}
