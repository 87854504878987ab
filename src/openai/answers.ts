// Answers and errors as OpenAI's server writes them. Knows no route.
import {type ErrorCode, GemmaError} from '../errors.ts';

/** An error as it is answered. */
export interface Failure {
  status: number;
  code: string;
  message: string;
  /** The option that is wrong. */
  param?: string | null;
}

/** What is wrong with the request. All others are the server's, which is here. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  'option-unknown': 400,
  'option-invalid': 400,
  'grammar-invalid': 400,
  'context-overflow': 400,
  'model-in-use': 409,
  closed: 503,
  'device-lost': 503,
  'worker-failed': 503,
};

export const notFound = (message: string, code: string): Failure => ({status: 404, code, message});

/** Anything that was thrown, as it is answered. */
export function failureOf(error: unknown): Failure {
  if (isFailure(error)) return error;
  if (error instanceof Error && error.name === 'TimeoutError') {
    return {status: 408, code: 'timeout', message: error.message};
  }
  // By its code and not its class: the client is another file's, and so is its GemmaError.
  const {code, message, detail} = isCoded(error) ? error : GemmaError.from(error);
  const {option = null} = (detail ?? {}) as {option?: string | null};
  return {status: STATUS[code] ?? 500, code, message, param: option};
}

const isCoded = (error: unknown): error is Pick<GemmaError, 'code' | 'message' | 'detail'> =>
  error instanceof Error && error.name === 'GemmaError' && 'code' in error;

const isFailure = (error: unknown): error is Failure =>
  typeof error === 'object' && error !== null && !(error instanceof Error) && 'status' in error;

/** The body of an error, in OpenAI's shape. */
export const errorBody = ({status, code, message, param = null}: Failure) => ({
  error: {message, type: status < 500 ? 'invalid_request_error' : 'server_error', param, code},
});

/** An answer as JSON, or an error. No library is to send it again: here nothing is better a second later. */
export function jsonResponse(answer: {status: number; body: object} | Failure): Response {
  const isError = 'message' in answer;
  return new Response(JSON.stringify(isError ? errorBody(answer) : answer.body), {
    status: answer.status,
    headers: {'content-type': 'application/json', ...(isError && {'x-should-retry': 'false'})},
  });
}
