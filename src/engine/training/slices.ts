// Cuts a list of dispatches into pieces of about so many milliseconds: by what each costs and how fast the last ones were.
// Knows no GPU.
import type {Grid} from '../../gpu/kernel.ts';

/** Multiplications a millisecond, before anything was measured: a slow computer's. */
const FIRST_RATE = 2e6;
/** How much faster than before the next piece may be assumed to be. */
const GROWTH = 8;
/** What a workgroup of an elementwise kernel costs, in multiplications: most of it is memory. */
const WORKGROUP_COST = 4096;

export class Pace {
  readonly #ms: number;
  #rate = FIRST_RATE;

  constructor(ms: number) {
    this.#ms = ms;
  }

  /** How many of these costs, from `first` on, fill a piece: at least one. */
  take(costs: readonly number[], first: number): number {
    let total = 0;
    let count = 0;
    for (let i = first; i < costs.length; i++) {
      total += costs[i];
      if (count > 0 && total > this.#rate * this.#ms) break;
      count++;
    }
    return count;
  }

  /** A piece of this cost took so long. */
  took(cost: number, ms: number): void {
    if (cost <= 0) return;
    const rate = cost / Math.max(ms, 0.1);
    // Slower at once, faster by and by: short pieces are measured badly.
    this.#rate = rate < this.#rate ? (this.#rate + rate) / 2 : Math.min(rate, GROWTH * this.#rate);
  }
}

/** Multiplications of a dispatch. */
export function costOf(kernel: string, constants: Readonly<Record<string, number>>, grid: Grid, nRows: number): number {
  const workgroups = grid[0] * grid[1] * grid[2];
  if (workgroups === 0) return 0;
  const {M, N, K, ROWS, N_IN, N_SLICE_ROWS} = constants;
  if (kernel === 'mat_mul') return ROWS === 2 ? M * N * nRows : nRows * N * K;
  if (N_IN && N_SLICE_ROWS) return nRows * N_IN * N_SLICE_ROWS;
  // A row's head meets half of all rows.
  if (kernel.includes('attention'))
    return nRows * nRows * constants.N_HEAD * (constants.HEAD_DIM ?? 4 * constants.QUADS);
  return workgroups * WORKGROUP_COST;
}
