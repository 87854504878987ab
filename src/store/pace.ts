// How many transfers run side by side and how much each asks for, by what the last ones achieved. Knows no network.
import type {Clock} from './clock.ts';

const MAX_LANES = 4;
/** Blocks that one request asks for: 16 to 64 MiB. */
const RUN_BLOCKS = {least: 4, most: 16} as const;
/** What one request should take: long enough that its beginning does not count, short enough to be told of changes. */
const GOOD_RUN_MS = 4000;
/** Another transfer has to bring at least so much more in all, or it was not worth it. */
const WORTH = 1.1;

export class Pace {
  readonly #clock: Clock;
  readonly #blockBytes: number;
  #lanes = 2;
  #runBlocks: number = RUN_BLOCKS.least;
  #growing = true;
  #best = 0;
  #since = 0;
  #bytes = 0;

  constructor(clock: Clock, blockBytes: number) {
    this.#clock = clock;
    this.#blockBytes = blockBytes;
    this.#since = clock.now();
  }

  /** Transfers that may run now. */
  get lanes(): number {
    return this.#lanes;
  }

  /** Bytes to ask for at once. */
  get runBytes(): number {
    return this.#runBlocks * this.#blockBytes;
  }

  /** A transfer is done. */
  done(bytes: number, ms: number): void {
    if (ms < GOOD_RUN_MS) this.#runBlocks = Math.min(RUN_BLOCKS.most, this.#runBlocks * 2);
    this.#bytes += bytes;
    const now = this.#clock.now();
    // Judged once every lane had its turn.
    if (!this.#growing || this.#bytes < this.#lanes * RUN_BLOCKS.least * this.#blockBytes || now <= this.#since) return;
    const rate = this.#bytes / (now - this.#since);
    if (rate > this.#best * WORTH) {
      this.#best = rate;
      if (this.#lanes < MAX_LANES) this.#lanes++;
    } else {
      this.#growing = false;
    }
    this.#since = now;
    this.#bytes = 0;
  }

  /** The server asked for less. */
  throttled(): void {
    this.#lanes = Math.max(1, Math.floor(this.#lanes / 2));
    this.#growing = false;
  }
}
