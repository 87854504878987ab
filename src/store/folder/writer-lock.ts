// Who may write a model: one worker at a time, by a Web Lock of the model's name. Knows nothing of what is written.
import {isAbort} from '../../errors.ts';

/** What we use of `navigator.locks`. */
export interface LocksLike {
  request(
    name: string,
    options: {ifAvailable?: boolean; signal?: AbortSignal},
    held: (lock: unknown) => Promise<void> | undefined,
  ): Promise<unknown>;
}

export interface Hooks {
  /** Someone else has the lock. */
  onWait(): void;
  /** We have it now, and someone else may have had it before. */
  onTaken(): Promise<void>;
}

/** The Web Lock of a model's writer. */
export const lockName = (id: string): string => `gemma-chat-store-${id}`;

/** The right to write one model: kept from the first work under it until `settle`. */
export class WriterLock {
  readonly #locks: LocksLike | undefined;
  readonly #name: string;
  #release: (() => void) | null = null;
  #taking: Promise<void> | null = null;
  #users = 0;
  readonly #leaving = new Set<() => void>();
  #kept = true;

  /** @param locks undefined where there are none: then no one else is assumed to write */
  constructor(locks: LocksLike | undefined, id: string) {
    this.#locks = locks;
    this.#name = lockName(id);
  }

  /** Runs `work` under the lock, which is kept from the first time until `settle`. */
  async during<T>(signal: AbortSignal, hooks: Hooks, work: () => Promise<T>): Promise<T> {
    this.#users++;
    try {
      while (!this.#release) await this.#takeOnce(signal, hooks);
      return await work();
    } finally {
      this.#users--;
      this.#letGo();
    }
  }

  /** From now on the lock is held only while something is under way. */
  settle(): void {
    this.#kept = false;
    this.#letGo();
  }

  /** Resolves when nothing is done under the lock any more, and it was let go of if it is not kept. */
  async idle(): Promise<void> {
    if (this.#users > 0) await new Promise<void>((resolve) => this.#leaving.add(resolve));
  }

  /** Several transfers begin at once; one of them takes the lock for all. */
  async #takeOnce(signal: AbortSignal, hooks: Hooks): Promise<void> {
    this.#taking ??= this.#take(signal, hooks).finally(() => {
      this.#taking = null;
    });
    try {
      await this.#taking;
    } catch (error) {
      // The one that was taking it has been stopped; the others go on.
      if (signal.aborted || !isAbort(error)) throw error;
    }
  }

  #letGo(): void {
    if (this.#users > 0) return;
    for (const leave of this.#leaving) leave();
    this.#leaving.clear();
    if (this.#kept) return;
    this.#release?.();
    this.#release = null;
  }

  async #take(signal: AbortSignal, {onWait, onTaken}: Hooks): Promise<void> {
    let release = await this.#request({ifAvailable: true});
    if (!release) {
      onWait();
      release = await this.#request({signal});
    }
    try {
      await onTaken();
      signal.throwIfAborted();
      this.#release = release;
    } catch (error) {
      release?.();
      throw error;
    }
  }

  /** The function that lets go of the lock; null if it was not available. */
  #request(options: {ifAvailable?: boolean; signal?: AbortSignal}): Promise<(() => void) | null> {
    const locks = this.#locks;
    if (!locks) return Promise.resolve(() => undefined);
    return new Promise((resolve, reject) => {
      const hold = (lock: unknown) => {
        if (lock === null) return void resolve(null);
        return new Promise<void>((release) => resolve(release));
      };
      locks.request(this.#name, options, hold as (lock: unknown) => Promise<void> | undefined).catch(reject);
    });
  }
}
