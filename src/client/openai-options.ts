// Options of OpenAI's that are ours under another name, that change nothing here, or that cannot be met. Knows no request's
// whole.
import type {ChatRequest, ToolDefinition} from '../protocol/messages.ts';
import type {Specs} from './option-specs.ts';
import {own} from './own.ts';
import type {Refusals} from './refusals.ts';

/** What programs send for the books of a server, and hints that change no answer. */
export const BOOKKEEPING = [
  'model',
  'user',
  'metadata',
  'store',
  'service_tier',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'prediction',
];

/** Why an option of OpenAI's is refused. */
const REFUSED: Readonly<Record<string, string>> = {
  audio: ': the model does not speak',
  best_of: '; use n',
  function_call: '; use tool_choice',
  functions: '; use tools',
  suffix: ': the model does not fill gaps',
  web_search_options: ': nothing leaves the device',
};

/** Most answers to one request. */
export const MAX_CHOICES = 16;

const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh'];

/** Options that are checked here and not by the worker. */
export function openaiSpecs(): {chat: Specs; completion: Specs} {
  const {isBoolean, isObject, oneOf, optional} = own.checks;
  const integer = (from: number, to: number) => (value: unknown) =>
    Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to;
  const completion: Specs = {
    n: {check: integer(1, MAX_CHOICES), expected: `an integer from 1 to ${MAX_CHOICES}`},
    stream_options: {
      check: (value) => isObject(value) && optional(isBoolean)(value.include_usage),
      expected: '{include_usage}',
    },
  };
  return {
    completion,
    chat: {
      ...completion,
      max_completion_tokens: {check: integer(0, Number.MAX_SAFE_INTEGER), expected: 'an integer, 0 or more'},
      reasoning_effort: {check: oneOf(...EFFORTS), expected: EFFORTS.join(', ')},
      modalities: {
        check: (value) => Array.isArray(value) && value.length === 1 && value[0] === 'text',
        expected: "['text']",
      },
      verbosity: {check: oneOf('medium'), expected: 'medium'},
    },
  };
}

/** Leaves out what changes nothing, and refuses what is OpenAI's and not ours. */
export function withoutBookkeeping(given: Record<string, unknown>, refusals: Refusals): Record<string, unknown> {
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (BOOKKEEPING.includes(name)) continue;
    if (Object.hasOwn(REFUSED, name)) refusals.unknown(name, REFUSED[name]);
    else rest[name] = value;
  }
  return rest;
}

/** OpenAI's names for options of a chat put into ours. */
export function renamed(given: Record<string, unknown>, refusals: Refusals): Record<string, unknown> {
  const {max_completion_tokens, reasoning_effort, ...rest} = given;
  if (max_completion_tokens !== undefined) {
    if (rest.max_tokens === undefined) rest.max_tokens = max_completion_tokens;
    else refusals.invalid('max_tokens', rest.max_tokens, 'nothing beside max_completion_tokens');
  }
  if (reasoning_effort !== undefined) {
    if (rest.thinking !== undefined) refusals.invalid('thinking', rest.thinking, 'nothing beside reasoning_effort');
    rest.thinking = reasoning_effort !== 'none' && reasoning_effort !== 'minimal';
  }
  return rest;
}

type Choice = Pick<ChatRequest, 'tools' | 'tool_choice'>;

/** `tool_choice` in the wire's form, and the tools it leaves. */
export function toolChoice(choice: unknown, tools: unknown, refusals: Refusals): Choice {
  const given = tools as ToolDefinition[] | undefined;
  const names: unknown[] = Array.isArray(given) ? given.map((tool) => tool?.function?.name) : [];
  const refuse = (expected: string) => {
    refusals.invalid('tool_choice', choice, expected);
    return {tools: given};
  };
  if (choice === undefined || choice === 'auto') return {tools: given};
  if (choice === 'none') return {tools: given, tool_choice: 'none'};
  if (choice === 'required') {
    return names.length > 0 ? {tools: given, tool_choice: 'required'} : refuse('none or auto where there are no tools');
  }
  if (!own.checks.isObject(choice)) return refuse(EXPECTED);
  if (choice.type === 'function') {
    const name = (choice.function as {name?: string} | undefined)?.name;
    return name !== undefined && names.includes(name)
      ? {tools: given, tool_choice: {name}}
      : refuse('the name of one of the tools');
  }
  if (choice.type !== 'allowed_tools') return refuse(EXPECTED);
  // OpenAI's programs send both forms.
  const allowed = (choice.allowed_tools ?? choice) as {mode?: unknown; tools?: {function?: {name?: string}}[]};
  const wanted: unknown[] = Array.isArray(allowed.tools) ? allowed.tools.map((tool) => tool?.function?.name) : [];
  if (wanted.length === 0 || !wanted.every((name) => names.includes(name))) return refuse('some of the tools');
  const left = given!.filter(({function: {name}}) => wanted.includes(name));
  return {tools: left, ...(allowed.mode === 'required' ? {tool_choice: 'required'} : {})};
}

const EXPECTED = "auto, none, required, {type: 'function', function: {name}} or {type: 'allowed_tools', allowed_tools}";
