// From the wire's replies to OpenAI's text completions: chunks while they come, or one object at the end.
// Knows no worker.
import type {FinishReason, TokenLogprob, Usage} from '../protocol/messages.ts';
import type {AnswerOf} from './completions.ts';
import type {Completion, CompletionLogprobs, FinishedCompletion} from './shapes.ts';

/** Chunks in the shape of `text_completion`; the last one has `usage`. */
export async function* completionChunks(answer: AnswerOf): AsyncGenerator<Completion, void, undefined> {
  const {head, index, replies, withLogprobs, tell} = answer;
  const offsets = new TextOffsets();
  const chunk = (
    text: string,
    logprobs: CompletionLogprobs | null,
    finish_reason: FinishReason | null,
  ): Completion => ({
    ...head,
    object: 'text_completion',
    choices: [{index, text, logprobs, finish_reason}],
  });
  for await (const reply of replies) {
    if (reply.type === 'text' || reply.type === 'echo') {
      const text = reply.type === 'text' ? reply.delta : reply.text;
      yield chunk(text, withLogprobs ? completionLogprobs(reply.logprobs ?? [], offsets) : null, null);
    } else if (reply.type === 'done') yield {...chunk('', null, reply.reason), usage: reply.usage};
    else if (reply.type !== 'tool-calls') tell(reply);
  }
}

/** The whole completion, once it has ended. @throws AbortError when it was stopped */
export async function completion(answer: AnswerOf): Promise<FinishedCompletion> {
  const {head, index, withLogprobs} = answer;
  let text = '';
  const logprobs: CompletionLogprobs = {tokens: [], token_logprobs: [], top_logprobs: [], text_offset: []};
  let end: {reason: FinishReason; usage: Usage} | undefined;
  for await (const {choices, usage} of completionChunks(answer)) {
    const [choice] = choices;
    text += choice.text;
    for (const key of Object.keys(logprobs) as (keyof CompletionLogprobs)[]) {
      (logprobs[key] as unknown[]).push(...(choice.logprobs?.[key] ?? []));
    }
    if (choice.finish_reason && usage) end = {reason: choice.finish_reason, usage};
  }
  if (end === undefined) throw new Error('the answer ended without a reason');
  return {
    ...head,
    object: 'text_completion',
    choices: [{index, text, logprobs: withLogprobs ? logprobs : null, finish_reason: end.reason}],
    usage: end.usage,
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
