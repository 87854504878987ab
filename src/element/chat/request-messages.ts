// From the conversation that a visitor sees to the one that the model reads. Pure.
import type {ChatMessage} from '../../protocol/messages.ts';

/**
 * What the model is asked: the system prompt first, no earlier thinking, and turns that alternate, as Gemma's
 * templates demand. Turns alternate no more where an answer failed or was stopped before its first word.
 */
export function requestMessages(history: readonly ChatMessage[], systemPrompt: string | null): ChatMessage[] {
  const request: ChatMessage[] = systemPrompt ? [{role: 'system', content: systemPrompt}] : [];
  for (const {reasoning: _, ...message} of history) {
    const last = request.at(-1);
    if (last?.role === message.role) last.content += `\n\n${message.content}`;
    else request.push(message);
  }
  return request;
}
