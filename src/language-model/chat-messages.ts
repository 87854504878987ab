// From a session's messages to a chat's, as templates accept them: turns of user and assistant by turns, a user's first.
import type {ChatMessageParam} from '../client/index.ts';
import type {Message} from './prompt-input.ts';

/** Between messages of one role, which a template wants to be one. */
const BETWEEN = '\n\n';

/** The same conversation, in the client's shape. */
export function chatMessages(messages: readonly Message[]): ChatMessageParam[] {
  const chat: ChatMessageParam[] = [];
  for (const {role, text, calls, responses} of messages) {
    for (const {id, name, text: content} of responses) chat.push({role: 'tool', tool_call_id: id, name, content});
    if (responses.length > 0 && text === '') continue;
    const previous = chat.at(-1);
    if (role === 'assistant' && (!previous || previous.role === 'system')) chat.push({role: 'user', content: ''});
    const tool_calls = calls.map(
      ({id, name, arguments: json}) => ({id, type: 'function', function: {name, arguments: json}}) as const,
    );
    if (previous?.role === role && !previous.tool_calls && role !== 'system') {
      previous.content = [previous.content, text].filter(Boolean).join(BETWEEN);
      if (tool_calls.length > 0) previous.tool_calls = tool_calls;
    } else {
      chat.push({role, content: text, ...(tool_calls.length > 0 && {tool_calls})});
    }
  }
  return chat;
}
