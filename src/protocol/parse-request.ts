// Requests as they come from a port, where anything may come: the typed request, or what to make of its absence.
import {GemmaError} from '../errors.ts';
import {
  arrayOf,
  isBoolean,
  isCount,
  isModelRef,
  isNumber,
  isObject,
  isString,
  nullable,
  oneOf,
  optional,
  type Shape,
  shaped,
} from './check.ts';
import {togetherProblem} from './generation-options.ts';
import {EXPECTED_HF, huggingFaceUrl, isShorthand} from './hugging-face.ts';
import type {GenerationOptions, ModelRef, Request} from './messages.ts';
import {checkOptions, found, modelOptions, unexpected} from './options.ts';
import {malformed} from './parse-reply.ts';
import {generationOptions as specs} from './worker-options.ts';

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
    messages: specs.template.messages.check,
    tools: optional(specs.template.tools.check),
    thinking: optional(isBoolean),
    addGenerationPrompt: optional(isBoolean),
  },
  'load-adapter': {id: isCount, adapter: isModelRef},
  'unload-adapter': {id: isCount, adapter: isString},
  adapters: {id: isCount},
  train: {id: isCount, ask: isObject},
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
    if (request.type === 'chat') checkOptions('chat', request.request, specs.chat);
    if (request.type === 'completion') checkOptions('completion', request.request, specs.completion);
    if (request.type === 'chat' || request.type === 'completion') {
      refuseTogether(request.request);
      requireField(request.type === 'chat' ? 'messages' : 'prompt', request.request);
    }
  } catch (error) {
    return id === null ? null : {type: 'bad', id, error: GemmaError.from(error)};
  }
  return request;
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

function refuseTogether(options: GenerationOptions): void {
  const problem = togetherProblem(options);
  if (problem) throw unexpected(...problem);
}
