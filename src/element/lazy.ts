// Parts of the view that are fetched when they are first needed, and done without where they cannot be.

import {GemmaError} from '../errors.ts';

/** A module that is fetched once, at the first `want`. */
export class Lazy<T> {
  readonly #import: () => Promise<T>;
  #value: T | null = null;
  #loading: Promise<void> | null = null;
  /** It could not be fetched; no one asks again. */
  failed = false;

  constructor(load: () => Promise<T>) {
    this.#import = load;
  }

  /** What was loaded; null before that. */
  get value(): T | null {
    return this.#value;
  }

  /** Loads it, once. Resolves when it is there, or will not come. */
  load(): Promise<void> {
    this.#loading ??= this.#import().then(
      (value) => {
        this.#value = value;
      },
      () => {
        this.failed = true;
      },
    );
    return this.#loading;
  }

  /** What was loaded, for what cannot be done without it. @throws GemmaError `network` */
  async need(): Promise<T> {
    await this.load();
    if (this.#value) return this.#value;
    throw new GemmaError('network', 'a part of the chat could not be fetched: is chunks/ beside the script?');
  }
}
