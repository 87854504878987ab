// Messages as they come from a port, where anything may come: the typed message, or what to make of its absence.
import {ERROR_CODES, GemmaError, type WireError} from '../errors.ts';
import {
  arrayOf,
  type Check,
  isBoolean,
  isCount,
  isNumber,
  isObject,
  isString,
  nullable,
  oneOf,
  optional,
  type Shape,
  shaped,
} from './check.ts';
import {EXPECTED_HF, huggingFaceUrl, isShorthand} from './hugging-face.ts';
import type {ModelRef, Reply, Request} from './messages.ts';
import {
  chatOptions,
  checkOptions,
  checkTogether,
  completionOptions,
  found,
  modelOptions,
  templateOptions,
  unexpected,
} from './options.ts';

const isAnything: Check = () => true;
const isNamedBlob: Check = (value) => isObject(value) && value.blob instanceof Blob && isString(value.name);
const isModelRef: Check = (value) =>
  isObject(value) &&
  (isString(value.url) || (arrayOf(isNamedBlob)(value.files) && (value.files as unknown[]).length > 0)) &&
  optional(isString)(value.integrity);

const REQUESTS: Record<Request['type'], Shape> = {
  hello: {id: isCount, version: isNumber, lock: nullable(isString)},
  load: {
    id: isCount,
    model: isModelRef,
    options: optional(isObject),
    idleTimeout: optional(isCount),
  },
  inspect: {id: isCount, model: isModelRef, contextLength: optional(isCount)},
  models: {id: isCount},
  remove: {id: isCount, model: nullable(isString)},
  chat: {id: isCount, request: isObject, resume: optional(arrayOf(isCount))},
  completion: {id: isCount, request: isObject, resume: optional(arrayOf(isCount))},
  tokenize: {id: isCount, text: isString, addBos: optional(isBoolean), parseSpecial: optional(isBoolean)},
  detokenize: {id: isCount, ids: arrayOf(isCount), special: optional(isBoolean)},
  template: {
    id: isCount,
    messages: templateOptions.messages.check,
    tools: optional(templateOptions.tools.check),
    thinking: optional(isBoolean),
    addGenerationPrompt: optional(isBoolean),
  },
  'load-adapter': {id: isCount, adapter: isModelRef},
  'unload-adapter': {id: isCount, adapter: isString},
  adapters: {id: isCount},
  stats: {id: isCount},
  ping: {id: isCount},
  pong: {},
  find: {
    id: isCount,
    knowledge: shaped({url: isString, integrity: optional(isString)}),
    question: isString,
    limit: optional(isCount),
    perPage: optional(isCount),
    language: optional(isString),
  },
  embed: {id: isCount, model: isModelRef, texts: arrayOf(isString)},
  attention: {attention: oneOf('focused', 'visible', 'hidden')},
  abort: {id: isCount},
  bye: {},
};

const isError = shaped({code: oneOf(...ERROR_CODES), message: isString, detail: optional(isObject)});
const isLogprobs = optional(arrayOf(shaped({token: isString, bytes: arrayOf(isCount), top: Array.isArray})));
const isUsage = shaped({
  prompt_tokens: isCount,
  completion_tokens: isCount,
  total_tokens: isCount,
  cached_tokens: isCount,
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

/** A request the worker cannot carry out: `id` names whom to tell. */
export interface BadRequest {
  type: 'bad';
  id: number;
  error: GemmaError;
}

/** Null for what is not even addressed: there is no one to tell. */
export function parseRequest(data: unknown): Request | BadRequest | null {
  if (!isObject(data)) return null;
  const id = isCount(data.id) ? (data.id as number) : null;
  const shape = Object.hasOwn(REQUESTS, String(data.type)) ? REQUESTS[data.type as Request['type']] : null;
  if (!shape || !shaped(shape)(data)) {
    return id === null ? null : {type: 'bad', id, error: GemmaError.fromWire(malformed('request', data))};
  }
  const request = data as unknown as Request;
  try {
    if (request.type === 'load') checkOptions('load', request.options ?? {}, modelOptions);
    if (request.type === 'load' || request.type === 'inspect') resolveShorthand(request.model);
    if (request.type === 'embed') resolveShorthand(request.model);
    if (request.type === 'load-adapter') resolveShorthand(request.adapter);
    if (request.type === 'chat') checkOptions('chat', request.request, chatOptions);
    if (request.type === 'completion') checkOptions('completion', request.request, completionOptions);
    if (request.type === 'chat' || request.type === 'completion') {
      checkTogether(request.request);
      requireField(request.type === 'chat' ? 'messages' : 'prompt', request.request);
    }
  } catch (error) {
    return id === null ? null : {type: 'bad', id, error: GemmaError.from(error)};
  }
  return request;
}

/** Null for what names no request; a malformed reply that names one becomes that request's error. */
export function parseReply(data: unknown): Reply | null {
  if (!isObject(data)) return null;
  const shape = Object.hasOwn(REPLIES, String(data.type)) ? REPLIES[data.type as Reply['type']] : null;
  if (shape && shaped(shape)(data)) return data as unknown as Reply;
  if (!isCount(data.id)) return null;
  return {type: 'error', id: data.id as number, error: malformed('reply', data)};
}

/** @throws GemmaError `option-invalid` for `hf:` that is not well-formed */
function resolveShorthand(model: ModelRef): void {
  if (!('url' in model) || !isShorthand(model.url)) return;
  const url = huggingFaceUrl(model.url);
  if (url === null) throw unexpected('modelSrc', found(model.url), EXPECTED_HF);
  model.url = url;
}

function requireField(name: string, request: object): void {
  if ((request as Record<string, unknown>)[name] === undefined) {
    throw new GemmaError('option-invalid', `${name} is missing`, {detail: {option: name}});
  }
}

function malformed(what: string, data: Record<string, unknown>): WireError {
  const type = typeof data.type === 'string' ? data.type.slice(0, 40) : typeof data.type;
  const message = `a malformed ${what} (${type}) arrived; page and worker are of different builds. Serve both files of one release`;
  return {code: 'protocol-mismatch', message};
}
