// From the conversation that a visitor sees to the one that the model reads. Pure.
import type {ChatMessage, ToolStep} from '../../protocol/messages.ts';

/** Where the model began to read when `left` of the messages it was asked with were left out; -1 where it read none. */
export function firstRead(history: readonly ChatMessage[], left: number): number {
  let groups = 0;
  return history.findIndex((message, index) => {
    if (index === 0 || history[index - 1].role !== message.role) groups += 1;
    return groups > left;
  });
}

/**
 * What the model is asked: the system prompt first, no earlier thinking, and turns that alternate, as Gemma's
 * templates demand. Turns alternate no more where an answer failed or was stopped before its first word.
 */
export function requestMessages(history: readonly ChatMessage[], systemPrompt: string | null): ChatMessage[] {
  const request: ChatMessage[] = systemPrompt ? [{role: 'system', content: systemPrompt}] : [];
  for (const {reasoning: _, sources: __, steps = [], ...message} of history) {
    request.push(...messagesOfSteps(steps));
    const last = request.at(-1);
    if (last?.role === message.role) last.content += `\n\n${message.content}`;
    else request.push(message);
  }
  return request;
}

/** Tools that were used, as a model reads them: a message that calls, then one for each result. */
export function messagesOfSteps(steps: readonly ToolStep[]): ChatMessage[] {
  const rounds = [...new Set(steps.map(({round}) => round))];
  const made = rounds.map((each) => steps.filter(({round}) => round === each));
  return made.flatMap((calls) => [
    {
      role: 'assistant' as const,
      content: calls[0].text,
      tool_calls: calls.map(({id, name, arguments: args}) => ({
        id,
        type: 'function' as const,
        function: {name, arguments: args},
      })),
    },
    ...calls.map(({id, name, result}) => ({role: 'tool' as const, name, tool_call_id: id, content: result})),
  ]);
}
