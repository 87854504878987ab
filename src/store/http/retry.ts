// Which failures of a transfer are worth another try, and when. Knows no request.
import {GemmaError} from '../../errors.ts';
import type {Clock} from '../clock.ts';

export interface RetryPolicy {
  /** A transfer that brings nothing for so long is broken off and begun again. */
  readonly stallMs: number;
  /** Tries in a row that bring nothing, before the transfer fails; the opening of a file has fewer. */
  readonly attempts: number;
  readonly openAttempts: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** The longest Retry-After that is waited for; beyond it the transfer fails and says so. */
  readonly maxRetryAfterMs: number;
}

export const DEFAULT_POLICY: RetryPolicy = {
  stallMs: 30_000,
  attempts: 10,
  openAttempts: 3,
  firstDelayMs: 500,
  maxDelayMs: 30_000,
  maxRetryAfterMs: 10 * 60_000,
};

/** A server that is busy or broken for a while. */
const PASSING = [408, 425, 429, 500, 502, 503, 504];
/** What the target of an expired redirect answers; asked again, the address may redirect to a fresh one. */
const EXPIRED = [401, 403, 404, 410];
const EXPIRED_ATTEMPTS = 3;

export interface Failure {
  readonly error: unknown;
  /** Failures in a row before this one. */
  readonly before: number;
  /** Whether this file has answered properly before. */
  readonly known: boolean;
}

/** Milliseconds to wait before the next try; null if there should be none. */
export function retryDelay({error, before, known}: Failure, policy: RetryPolicy): number | null {
  if (!(error instanceof GemmaError)) return null;
  const {status, retryAfterMs} = error.detail as {status?: number; retryAfterMs?: number};
  const left = (known ? policy.attempts : policy.openAttempts) - 1 - before;
  const backoff = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** before);
  if (error.code === 'http-status' && status !== undefined) {
    if (EXPIRED.includes(status)) return known && before < EXPIRED_ATTEMPTS - 1 ? backoff : null;
    if (!PASSING.includes(status) || left <= 0) return null;
    if (retryAfterMs === undefined) return backoff;
    return retryAfterMs <= policy.maxRetryAfterMs ? Math.max(retryAfterMs, policy.firstDelayMs) : null;
  }
  // An error page rarely has the headers that let other sites read it: `cors` of a file that could be read is passing.
  const passing = error.code === 'network' || error.code === 'gguf-truncated' || (known && error.code === 'cors');
  return passing && left > 0 ? backoff : null;
}

/** `Retry-After`: seconds or a date. Null where it is neither. */
export function parseRetryAfter(header: string | null, clock: Clock): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - clock.now());
}
