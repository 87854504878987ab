// Notices a step that does not come back. One timer while there is work, none a step.

/** No GPU that can be used takes longer for a step; what has been seen to be slow gets ten times as long. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 5000;

/** What of the clock it needs; tests bring their own. */
export interface Clock {
  now(): number;
  /** Calls back every `ms` until the returned function is called. */
  every(ms: number, look: () => void): () => void;
}

const clock: Clock = {
  now: () => performance.now(),
  every(ms, look) {
    const timer = setInterval(look, ms);
    return () => clearInterval(timer);
  },
};

/** Tells once of a step that takes much longer than any before it. */
export class Watchdog {
  readonly #stuck: (ms: number) => void;
  readonly #clock: Clock;
  #stop: (() => void) | null = null;
  #since: number | null = null;
  #slowest = 0;

  /** `stuck` is called once for a step that takes too long, with the time it has taken. */
  constructor(stuck: (ms: number) => void, use: Clock = clock) {
    this.#stuck = stuck;
    this.#clock = use;
  }

  /** There is work. */
  start(): void {
    this.#stop ??= this.#clock.every(LOOK_EVERY_MS, () => this.#look());
  }

  /** There is none. */
  stop(): void {
    this.#stop?.();
    this.#stop = null;
    this.#since = null;
  }

  /** A step begins. */
  begin(): void {
    this.#since = this.#clock.now();
  }

  /** The step is back. */
  end(): void {
    if (this.#since === null) return;
    this.#slowest = Math.max(this.#slowest, this.#clock.now() - this.#since);
    this.#since = null;
  }

  #look(): void {
    if (this.#since === null) return;
    const ms = this.#clock.now() - this.#since;
    if (ms < Math.max(PATIENCE_MS, 10 * this.#slowest)) return;
    this.#since = null;
    this.#stuck(ms);
  }
}
