// Rows of a table that stays in the file: each step's rows are read from the source and laid out as the GPU expects
// them. Owns a small cache of rows that were read before. Knows no GPU and no meaning of the rows.
import type {ByteSource} from '../../gguf/byte-source.ts';
import {matrixBytes, placeRow} from '../kernels/weight-layout.ts';
import type {WeightType} from '../kernels/weight-types.ts';
import type {WeightLayout} from './weights.ts';

/** Most bytes of rows that are kept after they were read. A row of Gemma 4 E2B's table has 5 to 18 KB. */
const CACHE_BYTES = 8 * 2 ** 20;
/** Reads in flight at the same time. */
const CONCURRENT_READS = 8;
/** Rows closer than this in the file are read together. */
const MAX_GAP_BYTES = 16 * 2 ** 10;

/** Reads the rows of a step from a table in the file, through a small cache. */
export class HostedRows {
  /** The rows of the last `fetch`, in its order, as a matrix on the GPU (kernels/weight-layout.ts). */
  readonly data: Uint8Array<ArrayBuffer>;
  readonly #source: ByteSource;
  readonly #layout: WeightLayout;
  readonly #capacity: number;
  /** In the order of their last use, the oldest first. */
  readonly #cache = new Map<number, Uint8Array>();

  constructor(source: ByteSource, layout: WeightLayout, maxRows: number) {
    this.#source = source;
    this.#layout = layout;
    this.data = new Uint8Array(matrixBytes(layout.tensor.type, layout.nIn, maxRows));
    this.#capacity = hostedRowCapacity(layout, maxRows);
  }

  /** The same table for steps of other sizes, with a cache of its own. */
  forRows(maxRows: number): HostedRows {
    return new HostedRows(this.#source, this.#layout, maxRows);
  }

  /** Bytes of `data` that hold `nRows` rows. */
  bytesOf(nRows: number): number {
    return matrixBytes(this.#layout.tensor.type, this.#layout.nIn, nRows);
  }

  /** Rows in memory. */
  get cached(): number {
    return this.#cache.size;
  }

  /**
   * Puts row `ids[i]` at place i of `data`. Rows that are not in the cache are read together.
   * @throws the source's own: `data` is then what it was
   */
  async fetch(ids: readonly number[]): Promise<void> {
    const wanted = new Set(ids);
    const missing = [...wanted].filter((id) => !this.#cache.has(id)).sort((a, b) => a - b);
    const read = await this.#read(missing);
    // Those of this step become the youngest: there is room for all of them.
    for (const id of wanted) {
      const row = this.#cache.get(id) ?? read.get(id)!;
      this.#cache.delete(id);
      this.#cache.set(id, row);
    }
    for (const id of this.#cache.keys()) {
      if (this.#cache.size <= this.#capacity) break;
      this.#cache.delete(id);
    }
    ids.forEach((id, i) => {
      const {tensor, nIn} = this.#layout;
      placeRow(tensor.type as WeightType, nIn, this.#cache.get(id)!, this.data, i);
    });
  }

  async #read(ids: readonly number[]): Promise<Map<number, Uint8Array>> {
    const {tensor, rowBytes} = this.#layout;
    const rows = new Map<number, Uint8Array>();
    const runs = this.#runsOf(ids);
    const work = async (): Promise<void> => {
      for (let run = runs.shift(); run; run = runs.shift()) {
        const first = run[0];
        const length = (run[run.length - 1] - first + 1) * rowBytes;
        const bytes = await this.#source.read(tensor.offset + first * rowBytes, length);
        // A copy: the source may have given a view of something large.
        for (const id of run) rows.set(id, bytes.slice((id - first) * rowBytes, (id - first + 1) * rowBytes));
      }
    };
    await Promise.all(Array.from({length: Math.min(CONCURRENT_READS, runs.length)}, work));
    return rows;
  }

  /** Ascending ids, cut where the gap is not worth reading. */
  #runsOf(ids: readonly number[]): number[][] {
    const runs: number[][] = [];
    for (const id of ids) {
      const run = runs.at(-1);
      const gap = run ? (id - run[run.length - 1] - 1) * this.#layout.rowBytes : 0;
      if (run && gap <= MAX_GAP_BYTES) run.push(id);
      else runs.push([id]);
    }
    return runs;
  }
}

/** How many rows are kept: a step's always, more while they are small. */
export function hostedRowCapacity({rowBytes}: WeightLayout, maxRows: number): number {
  return Math.max(maxRows, Math.floor(CACHE_BYTES / rowBytes));
}
