// The two groups of pages that keys and values are kept in, and what is counted of them.

/** Positions a page holds. The kernels' PAGE_SIZE. */
export const PAGE_SIZE = 32;

/** Pages of full-attention and of sliding layers. */
export const PAGE_GROUPS = ['full', 'sliding'] as const;
/** One of `PAGE_GROUPS`. */
export type PageGroup = (typeof PAGE_GROUPS)[number];

/** How the pages of a group are used. */
export interface PageCounts {
  /** In use by sequences; of these, in use by more than one; kept for their contents only; free. */
  used: number;
  shared: number;
  cached: number;
  free: number;
}
