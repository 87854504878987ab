// Checks what a page asks for, before anything is sent, and puts it into the wire's form.
import {generationSpecs, togetherProblem} from '../protocol/generation-options.ts';
import type {ChatMessage, ChatRequest, CompletionRequest} from '../protocol/messages.ts';
import {toMessages} from './message-params.ts';
import {openaiSpecs, renamed, toolChoice, withoutBookkeeping} from './openai-options.ts';
import type {Specs} from './option-specs.ts';
import {own} from './own.ts';
import {Refusals} from './refusals.ts';
import type {
  ChatCompletionParams,
  ChatMessageParam,
  CompletionParams,
  RequestOptions,
  RequestProgress,
} from './shapes.ts';

/** What each method takes, in the page's form; and the fields of a message. */
interface MethodSpecs {
  chat: Specs;
  completion: Specs;
  template: Specs;
  options: Specs;
  message: Specs;
}

function methodSpecs(): MethodSpecs {
  const boolean = {check: own.checks.isBoolean, expected: 'true or false'};
  const anything = {check: () => true, expected: 'anything'};
  const request = {stream: boolean, signal: own.signalOption, onProgress: own.functionOption};
  const {chat, completion, template, message} = generationSpecs(own.checks);
  const openai = openaiSpecs();
  // One number says both in text completions.
  const {top_logprobs: logprobs, ...others} = completion;
  return {
    chat: {...chat, ...openai.chat, ...request},
    completion: {...others, ...openai.completion, ...request, logprobs},
    template: {tools: template.tools, thinking: template.thinking, addGenerationPrompt: boolean},
    options: {
      signal: own.signalOption,
      timeout: {check: isMilliseconds, expected: 'milliseconds, above 0'},
      // For a server's sake.
      ...{maxRetries: anything, headers: anything, query: anything, idempotencyKey: anything},
    },
    message,
  };
}

const isMilliseconds = (value: unknown) => own.checks.isNumber(value) && (value as number) > 0;

let made: MethodSpecs | undefined;
function specsOf<Name extends keyof MethodSpecs>(name: Name): MethodSpecs[Name] {
  made ??= methodSpecs();
  return made[name];
}

/** A request in the wire's form, and what of it is the page's own affair. */
export interface Prepared<T> {
  request: T;
  stream: boolean;
  /** Answers. */
  n: number;
  /** `last`: with the reason for the end; `apart`: in a chunk of its own, as OpenAI's; `none`. */
  usage: 'last' | 'apart' | 'none';
  /** All that stops it. */
  signal?: AbortSignal;
  /** The one of them that is no wish of the page's. */
  timeout?: AbortSignal;
  onProgress?: (progress: RequestProgress) => void;
}

/** @throws GemmaError `option-unknown`, `option-invalid`: everything that is wrong, in one */
export function chatParams(params: ChatCompletionParams, options?: RequestOptions): Prepared<ChatRequest> {
  const where = 'chat.completions.create';
  const refusals = new Refusals(where);
  const given = withoutBookkeeping(withoutNulls(where, params), refusals);
  const specs = specsOf('chat');
  const {messages, tool_choice, ...others} = given;
  const request = {
    ...toMessagesOf(messages, refusals),
    ...renamed(checked(others, specs, refusals), refusals),
    ...withoutUndefined(toolChoice(tool_choice, others.tools, refusals)),
  };
  return split(request, options, refusals);
}

/** @throws GemmaError `option-unknown`, `option-invalid`: everything that is wrong, in one */
export function completionParams(params: CompletionParams, options?: RequestOptions): Prepared<CompletionRequest> {
  const where = 'completions.create';
  const refusals = new Refusals(where);
  const given = withoutBookkeeping(withoutNulls(where, params), refusals);
  const specs = specsOf('completion');
  const request = checked(given, specs, refusals);
  if (given.prompt === undefined) refusals.invalid('prompt', undefined, specs.prompt.expected);
  delete request.top_logprobs;
  if (typeof given.logprobs === 'number') {
    request.top_logprobs = given.logprobs;
    request.logprobs = true;
  }
  return split(request, options, refusals);
}

/** @throws GemmaError `option-unknown`, `option-invalid`: everything that is wrong, in one */
export function templateParams(messages: readonly ChatMessageParam[], options: object): {messages: ChatMessage[]} {
  own.requireObject('applyTemplate', options);
  const refusals = new Refusals('applyTemplate');
  refusals.check(options, specsOf('template'));
  const made = toMessagesOf(messages, refusals);
  refusals.throwAny();
  return {...options, ...made} as {messages: ChatMessage[]};
}

function toMessagesOf(messages: unknown, refusals: Refusals): {messages: unknown} {
  const {expected} = specsOf('chat').messages;
  return {messages: toMessages(messages, specsOf('message'), expected, refusals)};
}

/** A stop string alone is a list of one. */
function checked(given: Record<string, unknown>, specs: Specs, refusals: Refusals): Record<string, unknown> {
  const request = typeof given.stop === 'string' ? {...given, stop: [given.stop]} : {...given};
  refusals.check(request, specs);
  return request;
}

/** OpenAI's clients send null for what is not set. */
function withoutNulls(where: string, params: unknown): Record<string, unknown> {
  own.requireObject(where, params);
  return withoutUndefined(params);
}

function withoutUndefined(given: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null && value !== undefined));
}

function split<T extends ChatRequest | CompletionRequest>(
  given: Record<string, unknown>,
  options: RequestOptions = {},
  refusals: Refusals,
): Prepared<T> {
  const {stream, signal, onProgress, n = 1, stream_options, modalities, verbosity, ...request} = given;
  own.requireObject('create', options);
  const second = withoutUndefined(options);
  refusals.check(second, specsOf('options'));
  if (stream_options && !stream) refusals.invalid('stream_options', stream_options, 'stream: true beside it');
  const problem = togetherProblem(request);
  if (problem) refusals.invalid(problem[0], request[problem[0]], problem[2]);
  refusals.throwAny();
  const include = (stream_options as {include_usage?: boolean} | undefined)?.include_usage;
  const timeout = second.timeout === undefined ? undefined : AbortSignal.timeout(second.timeout as number);
  const signals = [signal, second.signal, timeout].filter((each) => each !== undefined) as AbortSignal[];
  return {
    request: request as unknown as T,
    stream: Boolean(stream),
    n: n as number,
    usage: include === undefined ? 'last' : include ? 'apart' : 'none',
    signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0],
    timeout,
    onProgress: onProgress as Prepared<T>['onProgress'],
  };
}
