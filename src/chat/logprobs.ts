// Log-probabilities in the wire's form. Knows no sampling.
import {type LogProbability, logSoftmax} from '../engine/sampling/log-softmax.ts';
import type {TokenLogprob} from '../protocol/messages.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';

/** `special`: control tokens are part of the text, and so have bytes. */
export function tokenLogprob(
  tokenizer: Tokenizer,
  id: number,
  logprob: number | null,
  top: readonly LogProbability[],
  special = false,
): TokenLogprob {
  return {
    ...token(tokenizer, id, special),
    logprob,
    top: top.map((other) => ({...token(tokenizer, other.id, special), logprob: other.logprob})),
  };
}

/**
 * The log-probability of every token of a prompt given those before it; null for the first.
 * @param rows logits f32[vocabSize] after each token but the last, in order
 */
export function* promptLogprobs(
  tokenizer: Tokenizer,
  prompt: readonly number[],
  from: number,
  rows: readonly Float32Array[],
  top: number,
): Generator<TokenLogprob> {
  for (const [i, logits] of rows.entries()) {
    const next = prompt[from + i + 1];
    if (next === undefined) return;
    const row = logSoftmax(logits, next, top);
    yield tokenLogprob(tokenizer, next, row.logprob, row.top, true);
  }
}

function token(tokenizer: Tokenizer, id: number, special: boolean): {id: number; token: string; bytes: number[]} {
  const bytes = tokenizer.tokenBytes(id, {special});
  // A control token has no bytes; its name still says which one it was.
  const text = bytes.length > 0 ? new TextDecoder().decode(bytes) : tokenizer.tokenText(id);
  return {id, token: text, bytes: Array.from(bytes)};
}
