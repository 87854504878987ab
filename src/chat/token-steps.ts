// What a generation asks of the engine, one step after another: tokens in, logits or a chosen token out. Knows neither
// when a step runs nor which other generations are in it.
import type {Choice} from '../engine/sampling/choice.ts';

/** Tokens to compute after those that are computed already. */
export interface TokenStep {
  /** At least one. */
  tokens: readonly number[];
  /**
   * Which rows' logits are needed: none; those of the last token, in the step that computes it; or those of every token.
   * Rows whose logits are all needed are computed even if their keys and values are known.
   */
  logits: 'none' | 'last' | 'all';
  /**
   * With `last` only: the token that follows, to be chosen in the step where the engine can. The choice then has a sample,
   * and there are no logits.
   */
  choice?: Choice;
}

/** What one step gave. */
export interface StepResult {
  /** How many of the tokens are computed now, at least one. The rest has to be asked for again. */
  taken: number;
  /**
   * f32[vocabSize] a row, as asked for; empty while the last token is not computed. The last row is overwritten by the
   * generation's next step.
   */
  logits: Float32Array[];
}

/**
 * A generation as its scheduler runs it. It yields a step, and is resumed with the result. An error of a step, and an
 * AbortError when it is stopped while it waits, are thrown at the `yield`; after that it may not yield again.
 */
export type TokenSteps = Generator<TokenStep, void, StepResult>;

/** What is computed of a generation so far. */
export interface SequenceState {
  /** Token ids, in order. */
  readonly tokens: readonly number[];
  /** How many of the first tokens were found computed, by other generations. */
  readonly cached: number;
}
