// When texts are read: for a few milliseconds at a time, then the page has its turn. What was asked for last is done
// first, because the end of a conversation is in view. Knows no texts.

/** Milliseconds of one task; a frame has 16. */
const LIMIT = 10;
/** The page has as long for itself as the last task took, and no longer than this. */
const MAX_REST = 100;

/** Runs readings a few milliseconds at a time. */
export class Pace {
  /** Milliseconds that reading may take in one task. Tests that want all at once set it to Infinity. */
  limit = LIMIT;
  #began: number | null = null;
  readonly #waiting = new Set<() => void>();

  /** Whether there is time left in this task. */
  get free(): boolean {
    const now = performance.now();
    if (this.#began === null) {
      this.#began = now;
      this.#schedule(0);
    }
    return now - this.#began < this.limit;
  }

  /** Whether something waits for its turn. */
  get busy(): boolean {
    return this.#waiting.size > 0;
  }

  /** Runs `job` in a later task. Asked for twice, it runs once. */
  later(job: () => void): void {
    this.#waiting.delete(job);
    this.#waiting.add(job);
    if (this.#began !== null) return;
    this.#began = performance.now();
    this.#schedule(0);
  }

  #schedule(delay: number): void {
    setTimeout(() => this.#run(), delay);
  }

  #run(): void {
    if (this.#waiting.size === 0) {
      this.#began = null;
      return;
    }
    const began = performance.now();
    this.#began = began;
    do {
      const job = [...this.#waiting].at(-1)!;
      this.#waiting.delete(job);
      job();
    } while (this.#waiting.size > 0 && performance.now() - began < this.limit);
    this.#schedule(Math.min(MAX_REST, performance.now() - began));
  }
}

/** All texts of a page share its one thread. */
export const pace = new Pace();
