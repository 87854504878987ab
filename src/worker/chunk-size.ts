// How many prompt tokens a step takes, so that no step takes long: others wait for their next token, a stop button for the
// end of the step, and a slow GPU's watchdog for the end of the submit. Knows no engine.

/** What a step should take at most. */
const STEP_MS = 100;
const SMALLEST = 8;
/** Where no one else waits, never fewer: each step has costs of its own. Also what the first step takes. */
const ALONE = 64;

/** Rows of a step, adapted to how long steps take. */
export class ChunkSize {
  readonly #largest: number;
  #rows: number;

  /** `largest`: rows of the engine's largest step. */
  constructor(largest: number) {
    this.#largest = largest;
    this.#rows = Math.min(ALONE, largest);
  }

  /** Rows for a prompt, 0 where there is no room, beside `decoding` rows of others. */
  rows(decoding: number): number {
    const room = this.#largest - decoding;
    if (room <= 0) return 0;
    const wanted = decoding === 0 ? Math.max(ALONE, this.#rows) : this.#rows;
    return Math.max(1, Math.min(room, wanted));
  }

  /** A step took `ms` with `rows` of a prompt, others' tokens beside it or not. */
  measured(rows: number, ms: number): void {
    if (ms > STEP_MS) this.#rows = Math.max(SMALLEST, Math.floor((0.9 * rows * STEP_MS) / ms));
    // Twice as many take at most twice as long.
    else if (rows >= this.#rows) this.#rows = Math.min(this.#largest, ms < 0.45 * STEP_MS ? 2 * rows : this.#rows);
  }
}
