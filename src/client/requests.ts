// A client's requests: checked, asked, and their answers in OpenAI's shapes. A lazy chunk, fetched while the model loads; what
// it shares with the client is passed in (own.ts). Knows no worker.
import type {ChatMessage, ModelInfo} from '../protocol/messages.ts';
import {chatChunks, heading, tellProgress} from './completions.ts';
import type {AnswerReply, ModelConnection} from './model-connection.ts';
import {own} from './own.ts';
import {chatParams, completionParams, type Prepared, templateParams} from './params.ts';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionParams,
  ChatMessageParam,
  Completion,
  CompletionParams,
  FinishedCompletion,
} from './shapes.ts';
import {completion, completionChunks} from './text-completions.ts';
import {chatCompletion} from './whole-chat.ts';

export {hand} from './own.ts';

/** `client.chat.completions.create`. @throws GemmaError, AbortError */
export function createChat(
  connection: ModelConnection,
  model: ModelInfo,
  params: ChatCompletionParams,
): Promise<ChatCompletion> | AsyncIterable<ChatCompletionChunk> {
  const prepared = chatParams(params);
  const replies = connection.stream({type: 'chat', request: prepared.request}, prepared.signal);
  const answer = [heading('chatcmpl', model.name), replies, prepared.request.logprobs ?? false] as const;
  if (prepared.stream) return own.leavable(chatChunks(...answer, prepared.onProgress), replies);
  return untilAbort(prepared, chatCompletion(...answer, tell(prepared)));
}

/** `client.completions.create`. @throws GemmaError, AbortError */
export function createCompletion(
  connection: ModelConnection,
  model: ModelInfo,
  params: CompletionParams,
): Promise<FinishedCompletion> | AsyncIterable<Completion> {
  const prepared = completionParams(params);
  const replies = connection.stream({type: 'completion', request: prepared.request}, prepared.signal);
  const answer = [heading('cmpl', model.name), replies, prepared.request.logprobs ?? false, tell(prepared)] as const;
  if (prepared.stream) return own.leavable(completionChunks(...answer), replies);
  return untilAbort(prepared, completion(...answer));
}

/** `client.applyTemplate`. @throws GemmaError */
export function applyTemplate(
  connection: ModelConnection,
  messages: readonly ChatMessageParam[],
  options: object,
): Promise<string> {
  const request: {messages: ChatMessage[]} = templateParams(messages, options);
  return connection.call((caller) => caller.call({type: 'template', ...request}));
}

function tell({onProgress}: Prepared<unknown>): (reply: AnswerReply) => void {
  return (reply) => tellProgress(reply, onProgress);
}

/** Where a promise waits, stopping is an AbortError, at once. */
function untilAbort<T>({signal}: {signal?: AbortSignal}, result: Promise<T>): Promise<T> {
  if (!signal) return result;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(own.abortError());
    signal.addEventListener('abort', stop);
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
