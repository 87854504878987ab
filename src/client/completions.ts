// From the wire's replies to OpenAI's chat completions, chunk by chunk; the whole of one is whole-chat.ts's. Knows no worker.
import type {FinishReason, TokenLogprob} from '../protocol/messages.ts';
import type {AnswerReply} from './model-connection.ts';
import type {ChatCompletionChunk, ChatCompletionDelta, ChatLogprobs, RequestProgress} from './shapes.ts';

export interface Heading {
  id: string;
  created: number;
  model: string;
}

/** What all chunks of one completion have alike. `prefix`: of the id, as OpenAI's `chatcmpl`. */
export function heading(prefix: string, model: string): Heading {
  return {id: `${prefix}-${crypto.randomUUID()}`, created: Math.floor(Date.now() / 1000), model};
}

type Replies = AsyncIterable<AnswerReply>;
/** Passes on what is no part of the answer. */
export type Tell = (reply: AnswerReply) => void;

/** One of a request's answers. */
export interface AnswerOf {
  head: Heading;
  /** Among the answers to one prompt. */
  index: number;
  replies: Replies;
  withLogprobs: boolean;
  tell: Tell;
}

/** Chunks in the shape of `chat.completion.chunk`; the last one has `usage`. */
export async function* chatChunks(answer: AnswerOf): AsyncGenerator<ChatCompletionChunk, void, undefined> {
  const {head, index, withLogprobs} = answer;
  let first = true;
  let calls = 0;
  const chunk = (
    delta: ChatCompletionDelta,
    logprobs: ChatLogprobs | null = null,
    finish_reason: FinishReason | null = null,
  ): ChatCompletionChunk => {
    const whole: ChatCompletionDelta = first ? {role: 'assistant', ...delta} : delta;
    first = false;
    return {...head, object: 'chat.completion.chunk', choices: [{index, delta: whole, logprobs, finish_reason}]};
  };
  for await (const reply of answer.replies) {
    if (reply.type === 'text') {
      const {delta, channel} = reply;
      if (channel === 'reasoning') yield chunk({reasoning_content: delta});
      else yield chunk({content: delta}, withLogprobs ? chatLogprobs(reply.logprobs) : null);
    } else if (reply.type === 'tool-calls') {
      yield chunk({tool_calls: reply.calls.map((call) => ({index: calls++, ...call}))});
    } else if (reply.type === 'done') {
      yield {...chunk({}, null, reply.reason), usage: reply.usage};
    } else answer.tell(reply);
  }
}

const PROGRESS = ['queued', 'truncated', 'prefill', 'restarting'];

/** What comes before an answer and beside it. */
export function tellProgress(reply: AnswerReply, onProgress?: (progress: RequestProgress) => void): void {
  if (!PROGRESS.includes(reply.type)) return;
  const {id: _, type: phase, ...facts} = reply;
  onProgress?.({phase, ...facts} as RequestProgress);
}

/** Log-probabilities in OpenAI's shape; natural logarithms. */
export function chatLogprobs(entries: readonly TokenLogprob[] = []): ChatLogprobs {
  return {
    content: entries.map(({token, bytes, logprob, top}) => ({
      token,
      bytes,
      logprob: logprob ?? 0,
      top_logprobs: top.map((other) => ({token: other.token, bytes: other.bytes, logprob: other.logprob})),
    })),
  };
}
