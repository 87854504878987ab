// How many transfers run side by side and how much each asks for, by what the last ones achieved. Knows no network.
import type {Clock} from '../clock.ts';

const MAX_LANES = 4;
/** Blocks that one request asks for: 16 to 64 MiB. */
const RUN_BLOCKS = {least: 4, most: 16} as const;
/**
 * Blocks that all transfers share when they ask: 64 MiB. (Those that began when there were fewer have more: 72 MiB in all
 * for a moment.) A browser may take what comes into memory however slowly it is read; Chromium holds up to 64 MiB of each
 * body.
 */
const MOST_ASKED_BLOCKS = 16;
/** A transfer that waits for more of its time than this is not waiting for the network: the disk or the reader is behind. */
const HELD_BACK = 0.25;
/** What one request should take: long enough that its beginning does not count, short enough to be told of changes. */
const GOOD_RUN_MS = 4000;
/** Another transfer has to bring at least so much more in all, or it was not worth it. */
const WORTH = 1.1;

/** How many transfers, and of how many bytes, do best at the time. */
export class Pace {
  readonly #clock: Clock;
  readonly #blockBytes: number;
  #lanes = 2;
  #mostLanes = MAX_LANES;
  #runBlocks: number = RUN_BLOCKS.least;
  #growing = true;
  #best = 0;
  #since = 0;
  /** What came since then, and in how many transfers. */
  #bytes = 0;
  #runs = 0;

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
    return Math.min(this.#runBlocks, Math.floor(MOST_ASKED_BLOCKS / this.#lanes)) * this.#blockBytes;
  }

  /** A transfer is done. @param heldMs how long of this it waited until more could be taken */
  done(bytes: number, ms: number, heldMs: number): void {
    if (heldMs > ms * HELD_BACK) {
      this.#heldBack();
      return;
    }
    if (ms < GOOD_RUN_MS) this.#runBlocks = Math.min(RUN_BLOCKS.most, this.#runBlocks * 2);
    this.#bytes += bytes;
    this.#runs++;
    const now = this.#clock.now();
    // Judged once every lane had its turn.
    if (!this.#growing || this.#runs < this.#lanes || now <= this.#since) return;
    const rate = this.#bytes / (now - this.#since);
    if (rate > this.#best * WORTH) {
      this.#best = rate;
      if (this.#lanes < this.#mostLanes) this.#lanes++;
    } else {
      this.#growing = false;
    }
    this.#judgeFrom(now);
  }

  /** The server asked for less. */
  throttled(): void {
    this.#lanes = Math.max(1, Math.floor(this.#lanes / 2));
    this.#mostLanes = this.#lanes;
  }

  /** More at once would only lie in memory. As soon as the network is what is waited for, it may be more again. */
  #heldBack(): void {
    this.#lanes = Math.max(1, this.#lanes - 1);
    this.#runBlocks = RUN_BLOCKS.least;
    this.#growing = true;
    this.#best = 0;
    this.#judgeFrom(this.#clock.now());
  }

  #judgeFrom(now: number): void {
    this.#since = now;
    this.#bytes = 0;
    this.#runs = 0;
  }
}
