// One chat completion out of all its replies. Knows no worker.
import type {FinishReason, ToolCall, Usage} from '../protocol/messages.ts';
import {type AnswerOf, chatLogprobs} from './completions.ts';
import type {ChatCompletion, ChatLogprobs} from './shapes.ts';

/** The whole of one answer. @throws AbortError when it was stopped */
export async function chatCompletion({head, index, replies, withLogprobs, tell}: AnswerOf): Promise<ChatCompletion> {
  const message = {content: '', reasoning: '', calls: [] as ToolCall[]};
  const logprobs: ChatLogprobs = {content: []};
  let end: {reason: FinishReason; usage: Usage} | undefined;
  for await (const reply of replies) {
    if (reply.type === 'text') {
      message[reply.channel] += reply.delta;
      if (reply.channel === 'content') logprobs.content.push(...chatLogprobs(reply.logprobs).content);
    } else if (reply.type === 'tool-calls') message.calls.push(...reply.calls);
    else if (reply.type === 'done') end = reply;
    else tell(reply);
  }
  const {reason, usage} = finished(end);
  return {
    ...head,
    object: 'chat.completion',
    choices: [
      {
        index,
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

/** The stream ends with `done` or throws: anything else is a fault of ours. */
function finished<T>(end: T | undefined): T {
  if (end === undefined) throw new Error('the answer ended without a reason');
  return end;
}
