// Checks what a page asks for, before anything is sent, and puts it into the wire's form.
import {generationSpecs, togetherProblem} from '../protocol/generation-options.ts';
import type {ChatMessage, ChatRequest, CompletionRequest} from '../protocol/messages.ts';
import type {Specs} from './option-specs.ts';
import {own} from './own.ts';
import type {ChatCompletionParams, ChatMessageParam, CompletionParams, RequestProgress} from './shapes.ts';

/** The options of each method. */
function methodSpecs(): {chat: Specs; completion: Specs; template: Specs} {
  const boolean = {check: own.checks.isBoolean, expected: 'true or false'};
  const request = {stream: boolean, signal: own.signalOption, onProgress: own.functionOption};
  const {chat, completion, template} = generationSpecs(own.checks);
  // One number says both in text completions.
  const {top_logprobs: logprobs, ...others} = completion;
  return {
    chat: {...chat, ...request},
    completion: {...others, ...request, logprobs},
    template: {tools: template.tools, thinking: template.thinking, addGenerationPrompt: boolean},
  };
}

let made: ReturnType<typeof methodSpecs> | undefined;
function specsOf(method: keyof ReturnType<typeof methodSpecs>): Specs {
  made ??= methodSpecs();
  return made[method];
}

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
  const specs = specsOf('chat');
  own.checkOptions('chat.completions.create', given, specs);
  if (given.messages === undefined) throw missing('messages', specs);
  return split(given);
}

/** @throws GemmaError `option-unknown`, `option-invalid` */
export function completionParams(params: CompletionParams): Prepared<CompletionRequest> {
  const given = withoutNulls('completions.create', params);
  if (typeof given.stop === 'string') given.stop = [given.stop];
  const specs = specsOf('completion');
  own.checkOptions('completions.create', given, specs);
  if (given.prompt === undefined) throw missing('prompt', specs);
  if (typeof given.logprobs === 'number') {
    given.top_logprobs = given.logprobs;
    given.logprobs = true;
  }
  return split(given);
}

/** @throws GemmaError `option-unknown`, `option-invalid` */
export function templateParams(messages: readonly ChatMessageParam[], options: object): {messages: ChatMessage[]} {
  own.checkOptions('applyTemplate', options, specsOf('template'));
  const given = {messages: Array.isArray(messages) ? messages.map(toMessage) : messages};
  own.checkOptions('applyTemplate', given, {messages: specsOf('chat').messages});
  return {...options, ...given} as {messages: ChatMessage[]};
}

/** A message of the page's as the wire has it; what is no message at all is left for the check. */
function toMessage(message: unknown): unknown {
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
      throw new own.GemmaError(
        'option-invalid',
        `messages has a content part of type ${own.found(part?.type)}; expected {type: 'text', text}`,
        {detail: {option: 'messages'}},
      );
    })
    .join('');
}

/** OpenAI's clients send null for what is not set. */
function withoutNulls(where: string, params: unknown): Record<string, unknown> {
  own.requireObject(where, params);
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null && value !== undefined));
}

function split<T extends ChatRequest | CompletionRequest>(given: Record<string, unknown>): Prepared<T> {
  const {stream, signal, onProgress, ...request} = given;
  const problem = togetherProblem(request);
  if (problem) throw own.unexpected(...problem);
  return {request, stream: stream ?? false, signal, onProgress} as unknown as Prepared<T>;
}

function missing(name: string, specs: Specs): Error {
  return own.unexpected(name, 'missing', specs[name].expected);
}
