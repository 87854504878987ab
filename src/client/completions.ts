// From the wire's replies to OpenAI's chat completions: chunks while they come, or one object at the end. Knows no worker.
import type {FinishReason, StreamReply, TokenLogprob, ToolCall, Usage} from '../protocol/messages.ts';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionDelta,
  ChatLogprobs,
  RequestProgress,
} from './shapes.ts';

export interface Heading {
  id: string;
  created: number;
  model: string;
}

export function heading(prefix: string, model: string): Heading {
  return {id: `${prefix}-${crypto.randomUUID()}`, created: Math.floor(Date.now() / 1000), model};
}

type Replies = AsyncIterable<StreamReply>;
type OnProgress = ((progress: RequestProgress) => void) | undefined;

export async function* chatChunks(
  head: Heading,
  replies: Replies,
  withLogprobs: boolean,
  onProgress: OnProgress,
): AsyncGenerator<ChatCompletionChunk, void, undefined> {
  let first = true;
  let calls = 0;
  const chunk = (
    delta: ChatCompletionDelta,
    logprobs: ChatLogprobs | null = null,
    finish_reason: FinishReason | null = null,
  ): ChatCompletionChunk => {
    const whole: ChatCompletionDelta = first ? {role: 'assistant', ...delta} : delta;
    first = false;
    const choice = {index: 0 as const, delta: whole, logprobs, finish_reason};
    return {...head, object: 'chat.completion.chunk', choices: [choice]};
  };
  for await (const reply of replies) {
    if (reply.type === 'text') {
      const {delta, channel} = reply;
      if (channel === 'reasoning') yield chunk({reasoning_content: delta});
      else yield chunk({content: delta}, withLogprobs ? chatLogprobs(reply.logprobs) : null);
    } else if (reply.type === 'tool-calls') {
      yield chunk({tool_calls: reply.calls.map((call) => ({index: calls++, ...call}))});
    } else if (reply.type === 'done') {
      yield {...chunk({}, null, reply.reason), usage: reply.usage};
    } else tellProgress(reply, onProgress);
  }
}

export async function chatCompletion(
  head: Heading,
  replies: Replies,
  withLogprobs: boolean,
  onProgress: OnProgress,
): Promise<ChatCompletion> {
  const message = {content: '', reasoning: '', calls: [] as ToolCall[]};
  const logprobs: ChatLogprobs = {content: []};
  let end: {reason: FinishReason; usage: Usage} | undefined;
  for await (const reply of replies) {
    if (reply.type === 'text') {
      message[reply.channel] += reply.delta;
      if (reply.channel === 'content') logprobs.content.push(...chatLogprobs(reply.logprobs).content);
    } else if (reply.type === 'tool-calls') message.calls.push(...reply.calls);
    else if (reply.type === 'done') end = reply;
    else tellProgress(reply, onProgress);
  }
  const {reason, usage} = finished(end);
  return {
    ...head,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: message.content,
          ...(message.reasoning === '' ? {} : {reasoning_content: message.reasoning}),
          ...(message.calls.length === 0 ? {} : {tool_calls: message.calls}),
        },
        logprobs: withLogprobs ? logprobs : null,
        finish_reason: reason,
      },
    ],
    usage,
  };
}

/** What comes before an answer and beside it. */
export function tellProgress(reply: StreamReply, onProgress: OnProgress): void {
  if (reply.type !== 'queued' && reply.type !== 'truncated' && reply.type !== 'prefill') return;
  const {id: _, type: phase, ...facts} = reply;
  onProgress?.({phase, ...facts} as RequestProgress);
}

/** The stream ends with `done` or throws: anything else is a fault of ours. */
function finished<T>(end: T | undefined): T {
  if (end === undefined) throw new Error('the answer ended without a reason');
  return end;
}

function chatLogprobs(entries: readonly TokenLogprob[] = []): ChatLogprobs {
  return {
    content: entries.map(({token, bytes, logprob, top}) => ({
      token,
      bytes,
      logprob: logprob ?? 0,
      top_logprobs: top.map((other) => ({token: other.token, bytes: other.bytes, logprob: other.logprob})),
    })),
  };
}
