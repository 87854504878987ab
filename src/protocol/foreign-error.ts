// Errors of a part that stands by itself: its error type is another class than ours, and says the same.
import {ERROR_CODES, type ErrorCode, GemmaError} from '../errors.ts';

/** An error of one of our codes as our GemmaError; any other as it is. */
export function ours(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return error;
  const {code, message, detail} = error as {code?: unknown; message?: string; detail?: Record<string, unknown>};
  if (error instanceof GemmaError || !ERROR_CODES.includes(code as ErrorCode)) return error;
  return new GemmaError(code as ErrorCode, String(message), {detail, cause: error});
}
