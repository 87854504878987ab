// A page's messages as the wire has them, and what is wrong with them, message by message. Knows no other option.
import type {Specs} from './option-specs.ts';
import {own} from './own.ts';
import type {Refusals} from './refusals.ts';

/** What a message may be made of that has no effect here: fields of OpenAI's answers, and of the element's. */
const REFUSED = ['audio', 'function_call'];

/**
 * The messages in the wire's form; what is wrong is told to `refusals`, with the message's index.
 * @param fields what a message is made of
 */
export function toMessages(messages: unknown, fields: Specs, expected: string, refusals: Refusals): unknown {
  if (Array.isArray(messages) && messages.length > 0) {
    // Holes are values too.
    return Array.from(messages, (message, index) => toMessage(message, index, fields, refusals));
  }
  refusals.invalid('messages', messages, expected);
  return messages;
}

function toMessage(message: unknown, index: number, fields: Specs, refusals: Refusals): unknown {
  const place = `messages[${index}]`;
  if (!own.checks.isObject(message)) {
    refusals.invalid('messages', message, 'a message: {role, content}', {place, index});
    return message;
  }
  for (const name of REFUSED) {
    if (message[name] == null) continue;
    refusals.invalid('messages', message[name], 'no such field', {place: `${place}.${name}`, index});
  }
  const {role, reasoning_content, reasoning} = message;
  const given: Record<string, unknown> = {
    ...message,
    role: role === 'developer' ? 'system' : role,
    content: joinParts(message.content, place, index, refusals),
    reasoning: reasoning_content ?? reasoning,
  };
  const made = Object.keys(fields).flatMap((name) => (given[name] == null ? [] : [[name, given[name]]]));
  for (const [name, {check, expected}] of Object.entries(fields)) {
    if (check(given[name] ?? undefined)) continue;
    refusals.invalid('messages', given[name], expected, {place: `${place}.${name}`, index});
  }
  return Object.fromEntries(made);
}

function joinParts(content: unknown, place: string, index: number, refusals: Refusals): unknown {
  if (content === null || content === undefined) return '';
  if (!Array.isArray(content)) return content;
  const texts = Array.from(content, (part, i) => {
    if (part?.type === 'text' && typeof part.text === 'string') return part.text;
    const at = {place: `${place}.content[${i}].type`, index};
    refusals.invalid('messages', part?.type, "text, with the text as 'text'", at);
    return '';
  });
  return texts.join('');
}
