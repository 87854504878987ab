// Natural log-probabilities of a row of logits: what `logprobs` reports. Knows no sampling options.
import {GemmaError} from '../../errors.ts';
import {selectTop} from './select-top.ts';

/** A token and its log-probability. */
export interface LogProbability {
  id: number;
  /** ln p, f64. */
  logprob: number;
}

/**
 * ln Σ exp(logits), f64, over those that are not −Infinity.
 * @throws GemmaError `internal` when a logit is NaN or +Infinity or none is finite: such a row must never become text.
 */
export function logSumExp(logits: Float32Array): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) if (logits[i] > max) max = logits[i];
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i] - max);
  const result = max + Math.log(sum);
  if (!Number.isFinite(result)) throw badLogits();
  return result;
}

/** ln p of one token, and of the `top` likeliest, likeliest first, from logits as the model gave them. */
export function logSoftmax(logits: Float32Array, id: number, top = 0): {logprob: number; top: LogProbability[]} {
  const total = logSumExp(logits);
  const likeliest = top > 0 ? selectTop(logits, top) : new Uint32Array(0);
  return {
    logprob: logits[id] - total,
    top: Array.from(likeliest, (other) => ({id: other, logprob: logits[other] - total})),
  };
}

/** The error for logits that no token can be chosen from. */
export function badLogits(): GemmaError {
  return new GemmaError(
    'internal',
    'the model gave logits that are no numbers; expected finite ones. The file may be damaged or the GPU computes wrongly: load the model again, or try another device',
  );
}
