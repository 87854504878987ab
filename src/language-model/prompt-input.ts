// What a page prompts with, in its longhand form: the specification's "validate and canonicalize a prompt". Knows roles and
// types of content; no model, no session.
import {dictionary, enumeration, exception, isIterable, sequence} from './platform.ts';
import {
  callArguments,
  LanguageModelToolCall,
  LanguageModelToolError,
  LanguageModelToolSuccess,
  responseText,
} from './tools.ts';

export type LanguageModelMessageRole = 'system' | 'user' | 'assistant';
export type LanguageModelMessageType = 'text' | 'image' | 'audio' | 'tool-call' | 'tool-response';

export interface LanguageModelMessageContent {
  type: LanguageModelMessageType;
  value: unknown;
}

export interface LanguageModelMessage {
  role: LanguageModelMessageRole;
  content: string | readonly LanguageModelMessageContent[];
  /** Of the last message, an assistant's: the answer goes on after it. */
  prefix?: boolean;
}

export type LanguageModelPrompt = string | readonly LanguageModelMessage[];

/** A message in the form that sessions keep. Texts side by side are one. */
export interface Message {
  role: LanguageModelMessageRole;
  text: string;
  /** Calls of an assistant's message; `arguments` is JSON. */
  calls: readonly {id: string; name: string; arguments: string}[];
  /** Answers of tools, in a user's message; they come before its text. */
  responses: readonly {id: string; name: string; text: string}[];
  prefix: boolean;
}

const ROLES: readonly LanguageModelMessageRole[] = ['system', 'user', 'assistant'];
export const TYPES: readonly LanguageModelMessageType[] = ['text', 'image', 'audio', 'tool-call', 'tool-response'];

export function textMessage(role: LanguageModelMessageRole, text: string): Message {
  return {role, text, calls: [], responses: [], prefix: false};
}

/**
 * @param expected types of content that the session was made for; text is always among them
 * @throws TypeError, SyntaxError, NotSupportedError, DataError
 */
export function canonicalPrompt(input: unknown, expected: ReadonlySet<LanguageModelMessageType>): Message[] {
  if (!isIterable(input)) return [textMessage('user', `${input as string}`)];
  const items = sequence(input, 'a prompt');
  if (items.length === 0) return [textMessage('user', '')];
  return items.map((item, i) => message(item, expected, i === items.length - 1));
}

/**
 * System messages come first, and only one of them.
 * @param after whether other messages come before these
 * @throws TypeError
 */
export function checkSystem(messages: readonly Message[], after: boolean): void {
  if (messages.some(({role}, i) => role === 'system' && (after || i > 0))) {
    throw new TypeError('a system message can only be the first of a session');
  }
}

function message(item: unknown, expected: ReadonlySet<LanguageModelMessageType>, last: boolean): Message {
  const given = dictionary<LanguageModelMessage>(item, 'a message');
  if (given.role === undefined || given.content === undefined)
    throw new TypeError('a message needs a role and content');
  const role = enumeration(given.role, ROLES, 'role');
  const prefix = Boolean(given.prefix);
  if (prefix && (role !== 'assistant' || !last)) {
    throw exception('SyntaxError', "prefix is for the last message, and for role 'assistant' only");
  }
  if (!isIterable(given.content)) return {...textMessage(role, `${given.content as string}`), prefix};
  const parts = sequence(given.content, 'content').map((part) => content(part));
  for (const part of parts) checkPart(part, role, expected);
  const values = (type: LanguageModelMessageType) => parts.filter((part) => part.type === type).map(({value}) => value);
  return {
    role,
    text: values('text').join(''),
    calls: values('tool-call').map((value) => {
      const call = value as LanguageModelToolCall;
      return {id: call.callID, name: call.name, arguments: callArguments(call)};
    }),
    responses: values('tool-response').map((value) => {
      const response = value as LanguageModelToolSuccess | LanguageModelToolError;
      return {id: response.callID, name: response.name, text: responseText(response)};
    }),
    prefix,
  };
}

function content(part: unknown): LanguageModelMessageContent {
  const {type, value} = dictionary<LanguageModelMessageContent>(part, 'a part of a message');
  if (type === undefined || value === undefined) throw new TypeError('a part of a message needs a type and a value');
  return {type: enumeration(type, TYPES, 'type'), value};
}

function checkPart(
  part: LanguageModelMessageContent,
  role: LanguageModelMessageRole,
  expected: ReadonlySet<LanguageModelMessageType>,
): void {
  const {type, value} = part;
  if (type === 'text') {
    if (typeof value === 'object' || typeof value === 'function') throw new TypeError('a text is not a string');
    part.value = `${value as string}`;
    return;
  }
  if (type === 'tool-call' && role !== 'assistant') throw new TypeError('tool calls are of the assistant');
  if (type === 'tool-response' && role !== 'user') throw new TypeError('tool responses are of the user');
  if (role === 'assistant' && type !== 'tool-call') throw exception('NotSupportedError', `an assistant's ${type}`);
  if (!expected.has(type)) throw exception('NotSupportedError', `${type} is not among expectedInputs`);
  const right =
    type === 'tool-call'
      ? value instanceof LanguageModelToolCall
      : value instanceof LanguageModelToolSuccess || value instanceof LanguageModelToolError;
  if (!right)
    throw new TypeError(
      `the value of a ${type} is no ${type === 'tool-call' ? 'LanguageModelToolCall' : 'response of a tool'}`,
    );
}
