// Values that come by themselves, read with `for await`. Knows no messages.

/** Values in the order they were pushed, for one reader. */
export class AsyncQueue<T> implements AsyncIterableIterator<T> {
  readonly #values: T[] = [];
  readonly #readers: {resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void}[] = [];
  readonly #onReturn: () => void;
  #ended = false;
  #failure: {error: unknown} | null = null;

  /** @param onReturn called when the reader leaves before the end */
  constructor(onReturn: () => void = () => {}) {
    this.#onReturn = onReturn;
  }

  push(value: T): void {
    if (this.#ended) return;
    const reader = this.#readers.shift();
    if (reader) reader.resolve({done: false, value});
    else this.#values.push(value);
  }

  end(): void {
    this.#ended = true;
    for (const reader of this.#readers.splice(0)) reader.resolve({done: true, value: undefined});
  }

  /** Values already pushed are read first. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const reader = this.#readers.shift();
    if (reader) reader.reject(error);
    else this.#failure = {error};
    this.end();
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#values.length > 0) return Promise.resolve({done: false, value: this.#values.shift() as T});
    if (this.#failure) {
      const {error} = this.#failure;
      this.#failure = null;
      return Promise.reject(error);
    }
    if (this.#ended) return Promise.resolve({done: true, value: undefined});
    return new Promise((resolve, reject) => this.#readers.push({resolve, reject}));
  }

  return(): Promise<IteratorResult<T>> {
    const left = !this.#ended;
    this.#values.length = 0;
    this.#failure = null;
    this.end();
    if (left) this.#onReturn();
    return Promise.resolve({done: true, value: undefined});
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
