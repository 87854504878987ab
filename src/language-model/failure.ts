// From the errors of the client to the exceptions that the specification names. Reads an error's code and not its class:
// the client may be another file's.
import type {ErrorCode} from '../errors.ts';
import {exception, quotaExceeded} from './platform.ts';

const CODES: Partial<Record<ErrorCode, Parameters<typeof exception>[0]>> = {
  network: 'NetworkError',
  'http-status': 'NetworkError',
  cors: 'NetworkError',
  'range-unsupported': 'NetworkError',
  'webgpu-missing': 'NotSupportedError',
  'adapter-missing': 'NotSupportedError',
  'architecture-unsupported': 'NotSupportedError',
  'quant-unsupported': 'NotSupportedError',
  'grammar-invalid': 'NotSupportedError',
};

interface Coded {
  code?: unknown;
  message?: unknown;
  detail?: Record<string, unknown>;
}

/** Whether an error of the client's has that code. */
export function hasErrorCode(error: unknown, code: ErrorCode): boolean {
  return (error as Coded | null)?.code === code;
}

/**
 * Any thrown value as what a page may expect. Errors that have no place in the specification's tables become `otherwise`, with
 * the original as `cause`. What is a DOMException or a TypeError already stays.
 */
export function toException(error: unknown, otherwise: 'OperationError' | 'UnknownError'): unknown {
  if (error instanceof DOMException || error instanceof TypeError || error instanceof RangeError) return error;
  const {code, message, detail} = (error ?? {}) as Coded;
  const text = typeof message === 'string' ? message : String(error);
  if (code === 'context-overflow') {
    return quotaExceeded(text, {requested: Number(detail?.promptTokens), quota: Number(detail?.contextLength)});
  }
  return exception(CODES[code as ErrorCode] ?? otherwise, text, error);
}
