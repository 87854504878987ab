// The page numbers that the kernels read, a row a sequence, and which of them the GPU has not seen yet.

/** The page table of all sequences, for one group of layers. */
export class PageTable {
  /** u32[sequences][length]: entry i of a row is the page of positions i·PAGE_SIZE … Stale where there is none. */
  readonly entries: Uint32Array<ArrayBuffer>;
  #changedFrom = Number.POSITIVE_INFINITY;
  #changedTo = 0;

  constructor(sequences: number, length: number) {
    this.entries = new Uint32Array(sequences * length);
  }

  set(index: number, page: number): void {
    if (this.entries[index] === page) return;
    this.entries[index] = page;
    this.#changedFrom = Math.min(this.#changedFrom, index);
    this.#changedTo = Math.max(this.#changedTo, index + 1);
  }

  /** The part of `entries` that changed since the last call, as [from, to), or null. */
  takeChanges(): [from: number, to: number] | null {
    if (this.#changedTo === 0) return null;
    const range: [number, number] = [this.#changedFrom, this.#changedTo];
    this.#changedFrom = Number.POSITIVE_INFINITY;
    this.#changedTo = 0;
    return range;
  }
}
