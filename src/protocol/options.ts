// Which options a generation has and what values they take. The client checks before it sends, the worker again.
import {GemmaError} from '../errors.ts';
import {MAX_CONTEXT_LENGTH, type ModelOptions, TABLE_PLACEMENTS} from '../model-options.ts';
import {arrayOf, type Check, isBoolean, isNumber, isObject, isString, oneOf, optional, shaped} from './check.ts';
import type {ChatRequest, CompletionRequest, GenerationOptions} from './messages.ts';

export interface OptionSpec {
  check: Check;
  /** Reads after "expected". */
  expected: string;
}
export type OptionSpecs<T> = Readonly<Record<keyof T, OptionSpec>>;

export const booleanOption: OptionSpec = {check: isBoolean, expected: 'true or false'};
const integer = (from: number, to: number): Check => {
  return (value) => Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to;
};
const number = (accepts: (value: number) => boolean): Check => {
  return (value) => isNumber(value) && accepts(value as number);
};

// The sampler's ranges (src/engine/sampling/sampler.ts), which is on the worker's side.
const generation: OptionSpecs<GenerationOptions> = {
  temperature: {check: number((x) => x >= 0 && x <= 100), expected: 'a number from 0 to 100'},
  top_k: {check: integer(0, Number.MAX_SAFE_INTEGER), expected: 'an integer, 0 (all) or more'},
  top_p: {check: number((x) => x > 0 && x <= 1), expected: 'a number above 0, at most 1'},
  min_p: {check: number((x) => x >= 0 && x <= 1), expected: 'a number from 0 to 1'},
  repetition_penalty: {check: number((x) => x > 0 && x <= 100), expected: 'a number above 0, at most 100'},
  max_tokens: {check: integer(0, Number.MAX_SAFE_INTEGER), expected: 'an integer, 0 or more'},
  stop: {
    check: (value) => arrayOf((text) => isString(text) && text !== '')(value) && (value as string[]).length <= 16,
    expected: 'up to 16 strings, none of them empty',
  },
  seed: {check: integer(0, Number.MAX_SAFE_INTEGER), expected: 'an integer from 0 to 2^53 - 1'},
  logprobs: booleanOption,
  top_logprobs: {check: integer(0, 20), expected: 'an integer from 0 to 20'},
  adapters: {
    check: (value) =>
      arrayOf(shaped({id: isString, scale: optional(isNumber)}))(value) && (value as unknown[]).length <= 4,
    expected: 'up to 4 of {id, scale}',
  },
};

const isToolCall = shaped({
  id: isString,
  type: oneOf('function'),
  function: shaped({name: isString, arguments: isString}),
});
export const isMessage = shaped({
  role: oneOf('system', 'user', 'assistant', 'tool'),
  content: isString,
  reasoning: optional(isString),
  name: optional(isString),
  tool_call_id: optional(isString),
  tool_calls: optional(arrayOf(isToolCall)),
});
const isTool = shaped({
  type: oneOf('function'),
  function: shaped({name: isString, description: optional(isString), parameters: optional(isObject)}),
});

/** Shared with applyTemplate. */
export const templateOptions = {
  messages: {
    check: (value: unknown) => arrayOf(isMessage)(value) && (value as unknown[]).length > 0,
    expected: 'at least one message of a role (system, user, assistant, tool), text as content, well-formed tool_calls',
  },
  tools: {
    check: arrayOf(isTool),
    expected: "an array of {type: 'function', function: {name, description, parameters}}",
  },
  thinking: booleanOption,
} satisfies Record<string, OptionSpec>;

export const chatOptions: OptionSpecs<ChatRequest> = {
  ...templateOptions,
  context_overflow: {check: oneOf('stop', 'truncate-oldest'), expected: 'stop or truncate-oldest'},
  ...generation,
};

export const completionOptions: OptionSpecs<CompletionRequest> = {
  prompt: {
    check: (value) => isString(value) || arrayOf(integer(0, 2 ** 32))(value),
    expected: 'text or an array of token ids',
  },
  echo: booleanOption,
  ...generation,
};

export const modelOptions: OptionSpecs<ModelOptions> = {
  contextLength: {check: integer(1, MAX_CONTEXT_LENGTH), expected: `an integer from 1 to ${MAX_CONTEXT_LENGTH}`},
  perLayerEmbeddings: {check: oneOf(...TABLE_PLACEMENTS), expected: TABLE_PLACEMENTS.join(' or ')},
};

/** @throws GemmaError `option-invalid` */
export function requireObject(where: string, value: unknown): asserts value is Record<string, unknown> {
  if (!isObject(value)) throw new GemmaError('option-invalid', `${where} takes an object; found ${found(value)}`);
}

/** @throws GemmaError `option-unknown`, `option-invalid`: the first that is wrong. Undefined counts as left out. */
export function checkOptions(where: string, options: unknown, specs: Readonly<Record<string, OptionSpec>>): void {
  requireObject(where, options);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(specs, name)) {
      throw new GemmaError(
        'option-unknown',
        `${where} has no option ${JSON.stringify(name)}; it has ${Object.keys(specs).join(', ')}`,
        {detail: {option: name}},
      );
    }
    const spec = specs[name];
    if (!spec.check(value)) throw unexpected(name, found(value), spec.expected);
  }
}

/** @throws GemmaError `option-invalid` for what the single checks cannot see. */
export function checkTogether(options: GenerationOptions): void {
  if (options.top_logprobs !== undefined && !options.logprobs) {
    throw unexpected('top_logprobs', 'set', 'logprobs: true beside it');
  }
}

/** `option-invalid`: what the option `name` is, and what was expected of it. */
export function unexpected(name: string, is: string, expected: string): GemmaError {
  return new GemmaError('option-invalid', `${name} is ${is}; expected ${expected}`, {detail: {option: name}});
}

/** A value as a message can show it. */
export function found(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value);
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
