// One chat completion out of all its replies. Knows no worker.
import type {FinishReason, ToolCall, Usage} from '../protocol/messages.ts';
import {chatLogprobs, type Heading} from './completions.ts';
import type {AnswerReply} from './model-connection.ts';
import type {ChatCompletion, ChatLogprobs} from './shapes.ts';

/** @param tell is told of replies that are no part of the answer */
export async function chatCompletion(
  head: Heading,
  replies: AsyncIterable<AnswerReply>,
  withLogprobs: boolean,
  tell: (reply: AnswerReply) => void,
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
    else tell(reply);
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

/** The stream ends with `done` or throws: anything else is a fault of ours. */
function finished<T>(end: T | undefined): T {
  if (end === undefined) throw new Error('the answer ended without a reason');
  return end;
}
