// What a load tells of its bytes: not too often, never back within a phase, and nothing once it is over.
import type {Clock} from './clock.ts';
import type {StoreProgress} from './model-store.ts';

type Phase = StoreProgress['phase'];

/** How many bytes are where. */
export interface Counts {
  /** Stored or in memory. */
  readonly loadedBytes: number;
  readonly hashedBytes: number;
  readonly fetchedBytes: number;
  readonly totalBytes: number;
}

/** Between two reports of one phase. */
const REPORT_MS = 100;

/** The progress of one load, in bytes. */
export class LoadReport {
  /** What is read now is read for the hash of the whole. */
  verifying = false;
  over = false;
  /** Another worker writes the model. */
  #waiting = false;
  readonly #clock: Clock;
  readonly #onProgress: ((progress: StoreProgress) => void) | undefined;
  readonly #count: () => Counts;
  #last: {phase: Phase; at: number; loadedBytes: number} | null = null;

  constructor(clock: Clock, onProgress: ((progress: StoreProgress) => void) | undefined, count: () => Counts) {
    this.#clock = clock;
    this.#onProgress = onProgress;
    this.#count = count;
  }

  /** Whether another worker writes the model. */
  setWaiting(waiting: boolean): void {
    this.#waiting = waiting;
    if (waiting) this.tell('waiting');
  }

  /** @param retryInMs with `retry`, which is always told */
  tell(wanted: Phase, retryInMs?: number): void {
    if (!this.#onProgress || this.over) return;
    const phase = this.#phase(wanted);
    const at = this.#clock.now();
    const last = this.#last;
    if (last?.phase === phase && retryInMs === undefined && at - last.at < REPORT_MS) return;
    const {loadedBytes: here, hashedBytes, ...bytes} = this.#count();
    // A damaged block that was dropped takes back nothing of what was said.
    const loadedBytes = Math.max(phase === 'verify' ? hashedBytes : here, last?.phase === phase ? last.loadedBytes : 0);
    this.#last = {phase, at, loadedBytes};
    this.#onProgress({phase, ...bytes, loadedBytes, retryInMs});
  }

  #phase(wanted: Phase): Phase {
    if (wanted === 'retry') return wanted;
    if (this.#waiting) return 'waiting';
    return this.verifying ? 'verify' : wanted;
  }
}
