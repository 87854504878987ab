// What a chat template is given: messages and tools in the shape that templates in GGUF files read, made from the
// wire's. Knows no template.
import {GemmaError} from '../errors.ts';
import type {ChatMessage, ToolDefinition} from '../protocol/messages.ts';
import type {PlainObject, PlainValue} from './plain-value.ts';
import {plainParameters} from './tool-schema.ts';

export interface TemplateToolCall {
  id: string;
  type: 'function';
  /** Arguments as an object, as templates want them; the text itself where it is no JSON object. */
  function: {name: string; arguments: PlainObject | string};
}

export interface TemplateMessage {
  role: string;
  content: string;
  /** The thoughts, under both names that templates use. */
  reasoning?: string;
  reasoning_content?: string;
  name?: string;
  tool_call_id?: string;
  tool_calls?: TemplateToolCall[];
}

export interface TemplateTool {
  type: 'function';
  function: PlainObject & {name: string};
}

export interface TemplateInput {
  messages: TemplateMessage[];
  tools: TemplateTool[];
  thinking: boolean;
  addGenerationPrompt: boolean;
  bosToken: string;
}

/**
 * @param index for the error: the message's place in the chat.
 * @throws GemmaError `option-invalid` where the content is no text; a call without content may have null, as elsewhere.
 */
export function templateMessage(message: ChatMessage, index = 0): TemplateMessage {
  const {role, reasoning, name, tool_call_id, tool_calls} = message;
  const content: unknown = message.content ?? '';
  if (typeof content !== 'string') {
    const found = Array.isArray(content) ? 'an array' : `a ${typeof content}`;
    throw new GemmaError('option-invalid', `content of message ${index} is ${found}; expected a string`, {
      detail: {index, found},
    });
  }
  // Templates ask whether a field is there, so absent ones must be absent.
  return {
    role,
    content,
    ...(reasoning ? {reasoning, reasoning_content: reasoning} : {}),
    ...(name === undefined ? {} : {name}),
    ...(tool_call_id === undefined ? {} : {tool_call_id}),
    ...(tool_calls?.length
      ? {
          tool_calls: tool_calls.map(({id, type, function: {name: called, arguments: text}}) => ({
            id,
            type,
            function: {name: called, arguments: parseObject(text) ?? text},
          })),
        }
      : {}),
  };
}

/** @throws GemmaError `option-invalid` where its schema is larger than any tool's */
export function templateTool({type, function: {name, description, parameters}}: ToolDefinition): TemplateTool {
  return {
    type,
    function: {
      name,
      description: description ?? '',
      ...(parameters && Object.keys(parameters).length > 0 ? {parameters: plainParameters(parameters)} : {}),
    },
  };
}

/** Whether a plain value is an object, and not a list or null. */
function isObject(value: PlainValue | undefined): value is PlainObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Deeper than any call's arguments: what is written into a prompt is gone through level by level. */
const MAX_DEPTH = 64;

/** Undefined where the text is no JSON object, or one too deep. */
function parseObject(text: string): PlainObject | undefined {
  try {
    const value = JSON.parse(text) as PlainValue;
    return isObject(value) && depthOf(value) <= MAX_DEPTH ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Levels of objects and lists, counted no further than a little beyond the most. */
function depthOf(value: PlainValue, above = 0): number {
  if (typeof value !== 'object' || value === null || above > MAX_DEPTH) return above;
  return Object.values(value).reduce<number>((most, each) => Math.max(most, depthOf(each, above + 1)), above + 1);
}
