// Checks what a page asks for, before anything is sent, and puts it into the wire's form.
import {GemmaError} from '../errors.ts';
import type {ChatMessage, ChatRequest, CompletionRequest} from '../protocol/messages.ts';
import {
  booleanOption,
  chatOptions,
  checkOptions,
  checkTogether,
  completionOptions,
  found,
  type OptionSpec,
  requireObject,
  unexpected,
} from '../protocol/options.ts';
import type {ChatCompletionParams, ChatMessageParam, CompletionParams, RequestProgress} from './shapes.ts';

export type Specs = Readonly<Record<string, OptionSpec>>;

export const signalOption: OptionSpec = {
  check: (value) => value instanceof AbortSignal,
  expected: 'an AbortSignal',
};
/** An option that is a function. */
export const functionOption: OptionSpec = {check: (value) => typeof value === 'function', expected: 'a function'};

const requestOptions: Specs = {
  stream: booleanOption,
  signal: signalOption,
  onProgress: functionOption,
};

const chatSpecs: Specs = {...chatOptions, ...requestOptions};
const completionSpecs: Specs = {
  ...completionOptions,
  ...requestOptions,
  logprobs: {...completionOptions.top_logprobs, expected: 'an integer from 0 to 20'},
};
// One number says both in text completions.
delete (completionSpecs as Record<string, OptionSpec>).top_logprobs;

export interface Prepared<T> {
  request: T;
  stream: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: RequestProgress) => void;
}

/** @throws GemmaError `option-unknown`, `option-invalid` */
export function chatParams(params: ChatCompletionParams): Prepared<ChatRequest> {
  const given = withoutNulls('chat.completions.create', params);
  if (Array.isArray(given.messages)) given.messages = given.messages.map(toMessage);
  if (typeof given.stop === 'string') given.stop = [given.stop];
  checkOptions('chat.completions.create', given, chatSpecs);
  if (given.messages === undefined) throw missing('messages', chatSpecs);
  return split(given);
}

/** @throws GemmaError `option-unknown`, `option-invalid` */
export function completionParams(params: CompletionParams): Prepared<CompletionRequest> {
  const given = withoutNulls('completions.create', params);
  if (typeof given.stop === 'string') given.stop = [given.stop];
  checkOptions('completions.create', given, completionSpecs);
  if (given.prompt === undefined) throw missing('prompt', completionSpecs);
  if (typeof given.logprobs === 'number') {
    given.top_logprobs = given.logprobs;
    given.logprobs = true;
  }
  return split(given);
}

/** A message of the page's as the wire has it; what is no message at all is left for the check. */
export function toMessage(message: unknown): unknown {
  if (typeof message !== 'object' || message === null) return message;
  const {content, reasoning_content, reasoning, tool_calls, ...rest} = message as ChatMessageParam;
  const thoughts = reasoning_content ?? reasoning ?? undefined;
  return {
    ...rest,
    content: joinParts(content),
    ...(thoughts === undefined ? {} : {reasoning: thoughts}),
    ...(tool_calls ? {tool_calls} : {}),
  } as unknown as ChatMessage;
}

function joinParts(content: ChatMessageParam['content']): unknown {
  if (content === null || content === undefined) return '';
  if (!Array.isArray(content)) return content;
  return content
    .map((part: {type?: unknown; text?: unknown}) => {
      if (part?.type === 'text' && typeof part.text === 'string') return part.text;
      throw new GemmaError(
        'option-invalid',
        `messages has a content part of type ${found(part?.type)}; expected {type: 'text', text}`,
        {detail: {option: 'messages'}},
      );
    })
    .join('');
}

/** OpenAI's clients send null for what is not set. */
function withoutNulls(where: string, params: unknown): Record<string, unknown> {
  requireObject(where, params);
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null && value !== undefined));
}

function split<T extends ChatRequest | CompletionRequest>(given: Record<string, unknown>): Prepared<T> {
  const {stream, signal, onProgress, ...request} = given;
  checkTogether(request);
  return {request, stream: stream ?? false, signal, onProgress} as unknown as Prepared<T>;
}

function missing(name: string, specs: Specs): GemmaError {
  return unexpected(name, 'missing', specs[name].expected);
}
