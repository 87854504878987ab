// From the wire's replies to OpenAI's shapes: chunks while they come, or one object at the end. Knows no worker.
import type {FinishReason, StreamReply, TokenLogprob, ToolCall, Usage} from '../protocol/messages.ts';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionDelta,
  ChatLogprobs,
  Completion,
  CompletionLogprobs,
  FinishedCompletion,
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

export async function* completionChunks(
  head: Heading,
  replies: Replies,
  withLogprobs: boolean,
  onProgress: OnProgress,
): AsyncGenerator<Completion, void, undefined> {
  const offsets = new TextOffsets();
  const chunk = (
    text: string,
    logprobs: CompletionLogprobs | null,
    finish_reason: FinishReason | null,
  ): Completion => ({
    ...head,
    object: 'text_completion',
    choices: [{index: 0, text, logprobs, finish_reason}],
  });
  for await (const reply of replies) {
    if (reply.type === 'text' || reply.type === 'echo') {
      const text = reply.type === 'text' ? reply.delta : reply.text;
      yield chunk(text, withLogprobs ? completionLogprobs(reply.logprobs ?? [], offsets) : null, null);
    } else if (reply.type === 'done') yield {...chunk('', null, reply.reason), usage: reply.usage};
    else if (reply.type !== 'tool-calls') tellProgress(reply, onProgress);
  }
}

export async function completion(
  head: Heading,
  replies: Replies,
  withLogprobs: boolean,
  onProgress: OnProgress,
): Promise<FinishedCompletion> {
  let text = '';
  const logprobs: CompletionLogprobs = {tokens: [], token_logprobs: [], top_logprobs: [], text_offset: []};
  let end: {reason: FinishReason; usage: Usage} | undefined;
  for await (const {choices, usage} of completionChunks(head, replies, withLogprobs, onProgress)) {
    const [choice] = choices;
    text += choice.text;
    logprobs.tokens.push(...(choice.logprobs?.tokens ?? []));
    logprobs.token_logprobs.push(...(choice.logprobs?.token_logprobs ?? []));
    logprobs.top_logprobs.push(...(choice.logprobs?.top_logprobs ?? []));
    logprobs.text_offset.push(...(choice.logprobs?.text_offset ?? []));
    if (choice.finish_reason && usage) end = {reason: choice.finish_reason, usage};
  }
  const {reason, usage} = finished(end);
  return {
    ...head,
    object: 'text_completion',
    choices: [{index: 0, text, logprobs: withLogprobs ? logprobs : null, finish_reason: reason}],
    usage,
  };
}

function tellProgress(reply: StreamReply, onProgress: OnProgress): void {
  if (reply.type === 'queued') onProgress?.({phase: 'queued', position: reply.position});
  if (reply.type === 'truncated') onProgress?.({phase: 'truncated', messages: reply.messages});
  if (reply.type === 'prefill') onProgress?.({phase: 'prefill', done: reply.done, total: reply.total});
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

/** Where tokens begin in the text they make, though a character may be spread over several. */
class TextOffsets {
  readonly #decoder = new TextDecoder();
  #offset = 0;

  next(bytes: readonly number[]): number {
    const start = this.#offset;
    this.#offset += this.#decoder.decode(Uint8Array.from(bytes), {stream: true}).length;
    return start;
  }
}

function completionLogprobs(entries: readonly TokenLogprob[], offsets: TextOffsets): CompletionLogprobs {
  return {
    tokens: entries.map(({token}) => token),
    token_logprobs: entries.map(({logprob}) => logprob),
    top_logprobs: entries.map(({top, logprob}) =>
      logprob === null ? null : Object.fromEntries(top.map((other) => [other.token, other.logprob])),
    ),
    text_offset: entries.map(({bytes}) => offsets.next(bytes)),
  };
}
