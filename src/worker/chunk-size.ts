// How many prompt tokens a step takes while others wait for their next token. Knows no engine.

/** What a step should take at most when somebody is decoding beside the prompt. */
const STEP_MS = 100;
const SMALLEST = 8;

export class ChunkSize {
  readonly #largest: number;
  #rows: number;

  /** `largest`: rows of the engine's largest step. */
  constructor(largest: number) {
    this.#largest = largest;
    this.#rows = largest;
  }

  /** Rows for a prompt beside `decoding` rows of others; all there are when nobody else waits. */
  rows(decoding: number): number {
    const room = this.#largest - decoding;
    return decoding === 0 ? room : Math.max(1, Math.min(room, this.#rows));
  }

  /** A step took `ms` with `rows` of a prompt beside others. */
  measured(rows: number, ms: number): void {
    if (ms > STEP_MS) this.#rows = Math.max(SMALLEST, Math.floor((0.9 * rows * STEP_MS) / ms));
    else if (rows >= this.#rows && ms < 0.7 * STEP_MS) this.#rows = Math.min(this.#largest, Math.ceil(1.25 * rows));
  }
}
