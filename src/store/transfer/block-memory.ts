// Memory of whole blocks, used again for the next ones: a garbage collector does not keep up with gigabytes, and fresh
// memory costs more than what is done with it. Knows no file.

const MAX_SPARE = 6;

/** Memory for blocks of one size. */
export class BlockMemory {
  readonly #blockBytes: number;
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];

  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes;
  }

  /** Room for a block; what is in it is left from others. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#spare.pop() ?? new Uint8Array(this.#blockBytes);
  }

  /** No one looks at this any more. */
  give({buffer}: Uint8Array<ArrayBuffer>): void {
    if (buffer.byteLength === this.#blockBytes && this.#spare.length < MAX_SPARE)
      this.#spare.push(new Uint8Array(buffer));
  }

  /** Lets go of all of it. */
  clear(): void {
    this.#spare.length = 0;
  }
}
