// How much work one reading of a text may take. Counted in steps, not in time, so that the same text is always shown in
// the same way. What a text costs is so linear in its length, whatever stands in it.

/** Characters that may be looked at in one run of inline text; 20 times what a paragraph of a page takes. */
const RUN_CHARACTERS = 2_000_000;
/** The same for a whole text: so many, and so many more for each of its characters. */
const BASE_CHARACTERS = 2_000_000;
const CHARACTERS_EACH = 100;
/** Blocks that may be begun, those read again inside of others included: so many, and so many more a character. */
const BASE_BLOCKS = 1000;
const BLOCKS_EACH = 2;

/** Steps that one reading may still take. */
export class Work {
  #characters: number;
  #blocks: number;
  #run = 0;

  constructor(length: number) {
    this.#characters = BASE_CHARACTERS + CHARACTERS_EACH * length;
    this.#blocks = BASE_BLOCKS + BLOCKS_EACH * length;
  }

  /** Runs `read` for a run of inline text, with a share of its own. */
  inRun<T>(read: () => T): T {
    const outer = this.#run;
    this.#run = Math.max(0, this.#characters - RUN_CHARACTERS);
    try {
      return read();
    } finally {
      this.#run = outer;
    }
  }

  /** Whether the next mark of a run may be looked for in the `length` characters that are left of it. */
  lookAt(length: number): boolean {
    this.#characters -= length;
    return this.#characters > this.#run;
  }

  /** Whether another block may be begun. */
  beginBlock(): boolean {
    this.#blocks -= 1;
    return this.#blocks > 0;
  }
}
