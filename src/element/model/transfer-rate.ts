// How fast bytes come, and how long the rest will take. Knows no clock of its own.

/** Seconds that count: long enough to be calm, short enough to notice a change. */
const WINDOW_MS = 8000;
/** Before that, a rate says nothing. */
const SETTLED_MS = 1000;

/** Bytes a second and seconds left of one transfer. */
export class TransferRate {
  /** Moments and bytes so far, oldest first. */
  #samples: {at: number; bytes: number}[] = [];

  /** @param at milliseconds of any clock that never goes back */
  add(at: number, bytes: number): void {
    const last = this.#samples.at(-1);
    // Fewer than before: another transfer.
    if (last && bytes < last.bytes) this.reset();
    this.#samples.push({at, bytes});
    // One sample older than the window stays: it is where the window begins.
    while (this.#samples.length > 2 && this.#samples[1].at <= at - WINDOW_MS) this.#samples.shift();
    // Many events a second add nothing.
    const {length} = this.#samples;
    if (length > 2 && this.#samples[length - 1].at - this.#samples[length - 3].at < 100) {
      this.#samples.splice(length - 2, 1);
    }
  }

  /** What came so far does not count: it came from somewhere else. */
  reset(): void {
    this.#samples = [];
  }

  /** Null until enough has been seen. */
  get bytesPerSecond(): number | null {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (!last || last.at - first.at < SETTLED_MS) return null;
    return (1000 * (last.bytes - first.bytes)) / (last.at - first.at);
  }

  secondsFor(bytes: number): number | null {
    const rate = this.bytesPerSecond;
    return rate === null || rate <= 0 ? null : bytes / rate;
  }
}
