// The options of a load that reach the engine as a page gave them. Written here once: the client, the wire, the worker and the
// engine derive theirs. Imports nothing.

/** Where a per-layer embedding table may be kept. */
export const TABLE_PLACEMENTS = ['auto', 'gpu', 'host'] as const;

/** A placement as it is asked for; `auto` leaves the choice to the memory plan. */
export type TablePlacementChoice = (typeof TABLE_PLACEMENTS)[number];

/** The longest context that can be asked for, in positions. */
export const MAX_CONTEXT_LENGTH = 2 ** 20;

/** How a model is loaded. Everything has a default. */
export interface ModelOptions {
  /** Positions a conversation may have, at most the model's own context_length. Default: the model's, at most 4096. */
  contextLength?: number;
  /**
   * Where the per-layer embedding table of Gemma 4 and 3n is kept: often the largest tensor, of which a token reads one row.
   * `gpu`: with all other weights; `host`: in the file on the visitor's disk, a row a token is read in each step; `auto`
   * (default): on the GPU if it fits the budget.
   */
  perLayerEmbeddings?: TablePlacementChoice;
}
