// Replies as they come from a port, where anything may come: the typed reply, or what to make of its absence.
import {ERROR_CODES, type WireError} from '../errors.ts';
import {
  arrayOf,
  type Check,
  isCount,
  isNumber,
  isObject,
  isString,
  oneOf,
  optional,
  type Shape,
  shaped,
} from './check.ts';
import type {Reply} from './messages.ts';

const isAnything: Check = () => true;

const isError = shaped({code: oneOf(...ERROR_CODES), message: isString, detail: optional(isObject)});
const isLogprobs = optional(arrayOf(shaped({token: isString, bytes: arrayOf(isCount), top: Array.isArray})));
const isUsage = shaped({
  prompt_tokens: isCount,
  completion_tokens: isCount,
  total_tokens: isCount,
  cached_tokens: isCount,
  prompt_tokens_details: shaped({cached_tokens: isCount}),
  completion_tokens_details: shaped({reasoning_tokens: isCount}),
});

const REPLIES: Record<Reply['type'], Shape> = {
  result: {id: isCount, value: isAnything},
  progress: {
    id: isCount,
    progress: shaped({phase: isString, fraction: isNumber, loadedBytes: isCount, totalBytes: isCount}),
  },
  queued: {id: isCount, position: isCount},
  prefill: {id: isCount, done: isCount, total: isCount},
  truncated: {id: isCount, messages: isCount},
  text: {
    id: isCount,
    channel: oneOf('content', 'reasoning'),
    delta: isString,
    logprobs: isLogprobs,
    ids: optional(arrayOf(isCount)),
  },
  'tool-calls': {
    id: isCount,
    calls: arrayOf(shaped({id: isString, function: shaped({name: isString, arguments: isString})})),
    ids: optional(arrayOf(isCount)),
  },
  echo: {id: isCount, text: isString, logprobs: isLogprobs},
  done: {id: isCount, reason: oneOf('stop', 'length', 'abort', 'tool_calls'), usage: isUsage},
  error: {id: isCount, error: isError},
  ping: {},
  fatal: {error: isError},
};

/** Null for what names no request; a malformed reply that names one becomes that request's error. */
export function parseReply(data: unknown): Reply | null {
  if (!isObject(data)) return null;
  const shape = Object.hasOwn(REPLIES, String(data.type)) ? REPLIES[data.type as Reply['type']] : null;
  if (shape && shaped(shape)(data)) return data as unknown as Reply;
  if (!isCount(data.id)) return null;
  return {type: 'error', id: data.id as number, error: malformed('reply', data)};
}

/** The error of a message that has not the shape of its type. */
export function malformed(what: string, data: Record<string, unknown>): WireError {
  const type = typeof data.type === 'string' ? data.type.slice(0, 40) : typeof data.type;
  const message = `a malformed ${what} (${type}) arrived; page and worker are of different builds. Serve both files of one release`;
  return {code: 'protocol-mismatch', message};
}
