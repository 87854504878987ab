// What a generation sees of the engine: a place to put tokens, one step after the other, among others that do the same.
import type {Choice} from '../engine/sampling/choice.ts';

export interface LaneStep {
  /** How many of the tokens are in the cache now, at least one: the rest is asked for again. */
  taken: number;
  /**
   * f32[vocabSize] a row: what was asked for, and nothing unless the rows it was asked for were taken. The last row is
   * written over by the lane's next step.
   */
  logits: Float32Array[];
}

/** One generation's turn in the engine's steps. */
export interface Lane {
  /** Tokens taken so far, in order. */
  readonly tokens: readonly number[];
  /** Of the first tokens, how many others had already computed. */
  readonly cached: number;
  /**
   * Puts tokens behind those taken so far, in the next step that has room for them.
   * @param logits which rows' logits are wanted: those of the last of `tokens`, once it is taken, or of every one. Rows
   *   that are all wanted are computed even if their keys and values are known.
   * @param choice the token after the last of `tokens`, to be chosen in the step where the engine can: then it has a sample,
   *   and there are no logits. With `last` only
   * @throws GemmaError what the engine throws; AbortError when the generation is stopped while it waits
   */
  step(tokens: readonly number[], logits: 'none' | 'last' | 'all', choice?: Choice): Promise<LaneStep>;
}
