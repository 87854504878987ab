// A client's requests: checked, asked, and their answers in OpenAI's shapes. A lazy chunk, fetched while the model loads; what
// it shares with the client is passed in (own.ts). Knows no worker.
import type {StreamRequest} from '../protocol/caller.ts';
import type {ChatMessage, ModelInfo} from '../protocol/messages.ts';
import {joined, together} from './choices.ts';
import {type AnswerOf, chatChunks, heading, tellProgress} from './completions.ts';
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
  ModelList,
  RequestOptions,
} from './shapes.ts';
import {completion, completionChunks} from './text-completions.ts';
import {chatCompletion} from './whole-chat.ts';

export {hand} from './own.ts';

/** `client.chat.completions.create`. @throws GemmaError, AbortError, TimeoutError */
export function createChat(
  connection: ModelConnection,
  model: ModelInfo,
  params: ChatCompletionParams,
  options?: RequestOptions,
): Promise<ChatCompletion> | AsyncIterable<ChatCompletionChunk> {
  const prepared = chatParams(params, options);
  const answers = ask(connection, 'chat', prepared, heading('chatcmpl', model.name));
  return prepared.stream ? streamed(answers, chatChunks, prepared) : whole(answers, chatCompletion, prepared);
}

/** `client.completions.create`. @throws GemmaError, AbortError, TimeoutError */
export function createCompletion(
  connection: ModelConnection,
  model: ModelInfo,
  params: CompletionParams,
  options?: RequestOptions,
): Promise<FinishedCompletion> | AsyncIterable<Completion> {
  const prepared = completionParams(params, options);
  const answers = ask(connection, 'completion', prepared, heading('cmpl', model.name));
  return prepared.stream ? streamed(answers, completionChunks, prepared) : whole(answers, completion, prepared);
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

/** `client.models.list`. */
export function modelList({name}: ModelInfo): ModelList {
  return {object: 'list', data: [{id: name, object: 'model', created: 0, owned_by: 'gemma-chat'}]};
}

type Replies = AsyncGenerator<AnswerReply, void, undefined>;
type Asked = AnswerOf & {replies: Replies};

/** One request an answer, asked at once: they are computed in the same steps, and the prompt's pages are shared. */
function ask(
  connection: ModelConnection,
  type: StreamRequest['type'],
  {request, n, signal, timeout, onProgress}: Prepared<{seed?: number; logprobs?: boolean}>,
  head: AnswerOf['head'],
): Asked[] {
  return Array.from({length: n}, (_, index) => {
    const seeded = request.seed === undefined ? request : {...request, seed: (request.seed + index) % 2 ** 53};
    const asked = connection.stream({type, request: seeded} as StreamRequest, signal);
    const replies = timeout ? own.leavable(inTime(asked, timeout), asked) : asked;
    const tell = (reply: AnswerReply) => tellProgress(reply, index === 0 ? onProgress : undefined);
    return {head, index, replies, withLogprobs: request.logprobs ?? false, tell};
  });
}

function streamed<T extends Completion | ChatCompletionChunk>(
  answers: readonly Asked[],
  chunksOf: (answer: AnswerOf) => AsyncGenerator<T, void, undefined>,
  {usage}: Prepared<unknown>,
): AsyncIterable<T> {
  const chunks = together(answers.map(chunksOf), usage);
  return own.leavable(chunks, {return: () => leave(answers)});
}

/** Where a promise waits, stopping is an AbortError, at once; where one answer fails, the others are left. */
function whole<T extends FinishedCompletion | ChatCompletion>(
  answers: readonly Asked[],
  wholeOf: (answer: AnswerOf) => Promise<T>,
  {signal, timeout}: Prepared<unknown>,
): Promise<T> {
  return new Promise<T[]>((resolve, reject) => {
    const stop = (): void => reject(timeout?.aborted ? timeout.reason : own.abortError());
    signal?.addEventListener('abort', stop);
    Promise.all(answers.map(wholeOf))
      .then(resolve, (error) => {
        leave(answers);
        reject(error);
      })
      .finally(() => signal?.removeEventListener('abort', stop));
  }).then(joined);
}

function leave(answers: readonly Asked[]): void {
  for (const {replies} of answers) void replies.return().catch(() => undefined);
}

/** Replies, unless their time runs out: that is no end that the page asked for. @throws TimeoutError */
async function* inTime(replies: Replies, timeout: AbortSignal): Replies {
  try {
    for await (const reply of replies) {
      if (reply.type === 'done' && reply.reason === 'abort' && timeout.aborted) break;
      yield reply;
      if (reply.type === 'done') return;
    }
  } catch (error) {
    if (!timeout.aborted) throw error;
  }
  timeout.throwIfAborted();
}
