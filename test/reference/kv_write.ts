// kv_write on arrays, and the paging rule that attention shares.

/** Where one row of a step stands: its position, and where its sequence's page table begins in `pageTables`. */
export interface RowPlace {
  position: number;
  pageTable: number;
  /** The last position it attends. Default: its own. */
  last?: number;
}

/** The slot of a position: page · pageSize + place in the page. */
export function cacheSlot(
  pageTables: ArrayLike<number>,
  pageTable: number,
  position: number,
  pageSize: number,
): number {
  return pageTables[pageTable + Math.floor(position / pageSize)] * pageSize + (position % pageSize);
}

/** Copies src: [rows][width] into the rows' slots of cache: [slots][width], in place. */
export function kvWrite(
  cache: Float32Array | Float64Array,
  src: ArrayLike<number>,
  rows: readonly RowPlace[],
  pageTables: ArrayLike<number>,
  width: number,
  pageSize: number,
): void {
  rows.forEach(({position, pageTable}, r) => {
    const slot = cacheSlot(pageTables, pageTable, position, pageSize);
    for (let i = 0; i < width; i++) cache[slot * width + i] = src[r * width + i];
  });
}
