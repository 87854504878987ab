// Which options a generation has and what values they take. The client checks before it sends, the worker again. What it
// checks with is passed in: in the client this is part of a chunk, which imports nothing of its entry but types.
import type * as Checks from './check.ts';
import type {Check} from './check.ts';
import type {ChatMessage, ChatRequest, CompletionRequest, GenerationOptions} from './messages.ts';
import type {OptionSpec, OptionSpecs} from './options.ts';

/** What of check.ts is needed. */
export type OptionChecks = Pick<
  typeof Checks,
  'arrayOf' | 'isBoolean' | 'isNumber' | 'isObject' | 'isString' | 'oneOf' | 'optional' | 'shaped'
>;

/** The options of a chat and of a text completion, and those that a chat shares with `applyTemplate`. */
export interface GenerationSpecs {
  isMessage: Check;
  /** The fields of a message. */
  message: OptionSpecs<Omit<ChatMessage, 'sources' | 'steps'>>;
  template: OptionSpecs<Pick<ChatRequest, 'messages' | 'tools' | 'thinking'>>;
  chat: OptionSpecs<ChatRequest>;
  completion: OptionSpecs<CompletionRequest>;
}

/** The options, with the ranges of the sampler (src/engine/sampling/sampler.ts), which is on the worker's side. */
export function generationSpecs(checks: OptionChecks): GenerationSpecs {
  const {arrayOf, isBoolean, isNumber, isObject, isString, oneOf, optional, shaped} = checks;
  const integer = (from: number, to: number): Check => {
    return (value) => Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to;
  };
  const number = (accepts: (value: number) => boolean): Check => {
    return (value) => isNumber(value) && accepts(value as number);
  };
  const atMost = (count: number, each: Check): Check => {
    return (value) => arrayOf(each)(value) && (value as unknown[]).length <= count;
  };
  const isBias: Check = (value) => {
    if (!isObject(value)) return false;
    const entries = Object.entries(value);
    const within = number((bias) => Math.abs(bias) <= 100);
    return entries.length <= 1024 && entries.every(([id, bias]) => /^\d{1,9}$/.test(id) && within(bias));
  };
  const boolean: OptionSpec = {check: isBoolean, expected: 'true or false'};

  const isFormat: Check = (value) => {
    if (!isObject(value)) return false;
    if (value.type === 'regex' || value.type === 'gbnf') return isString(value[value.type]);
    if (value.type !== 'json_schema') return oneOf('text', 'json_object')(value.type);
    const {json_schema: named} = value;
    return isObject(named) && (isObject(named.schema) || isBoolean(named.schema));
  };

  const generation: OptionSpecs<GenerationOptions> = {
    temperature: {check: number((x) => x >= 0 && x <= 100), expected: 'a number from 0 to 100'},
    top_k: {check: integer(0, Number.MAX_SAFE_INTEGER), expected: 'an integer, 0 (all) or more'},
    top_p: {check: number((x) => x > 0 && x <= 1), expected: 'a number above 0, at most 1'},
    min_p: {check: number((x) => x >= 0 && x <= 1), expected: 'a number from 0 to 1'},
    repetition_penalty: {check: number((x) => x > 0 && x <= 100), expected: 'a number above 0, at most 100'},
    frequency_penalty: {check: number((x) => x >= -2 && x <= 2), expected: 'a number from -2 to 2'},
    presence_penalty: {check: number((x) => x >= -2 && x <= 2), expected: 'a number from -2 to 2'},
    logit_bias: {check: isBias, expected: 'up to 1024 numbers from -100 to 100, by token id'},
    max_tokens: {check: integer(0, Number.MAX_SAFE_INTEGER), expected: 'an integer, 0 or more'},
    stop: {
      check: atMost(16, (text) => isString(text) && text !== ''),
      expected: 'up to 16 strings, none of them empty',
    },
    seed: {check: integer(0, Number.MAX_SAFE_INTEGER), expected: 'an integer from 0 to 2^53 - 1'},
    logprobs: boolean,
    top_logprobs: {check: integer(0, 20), expected: 'an integer from 0 to 20'},
    response_format: {
      check: isFormat,
      expected:
        "{type: 'text' | 'json_object'}, {type: 'json_schema', json_schema: {schema}}, {type: 'regex', regex} or {type: 'gbnf', gbnf}",
    },
    adapters: {
      check: atMost(4, shaped({id: isString, scale: optional(isNumber)})),
      expected: 'up to 4 of {id, scale}',
    },
  };

  const isToolCall = shaped({
    id: isString,
    type: oneOf('function'),
    function: shaped({name: isString, arguments: isString}),
  });
  const optionalText: OptionSpec = {check: optional(isString), expected: 'a string'};
  const message: GenerationSpecs['message'] = {
    role: {check: oneOf('system', 'user', 'assistant', 'tool'), expected: 'system, user, assistant or tool'},
    content: {check: isString, expected: 'text'},
    reasoning: optionalText,
    name: optionalText,
    tool_call_id: optionalText,
    tool_calls: {
      check: optional(arrayOf(isToolCall)),
      expected: "an array of {id, type: 'function', function: {name, arguments}}, arguments as text",
    },
  };
  const isMessage = shaped(Object.fromEntries(Object.entries(message).map(([name, {check}]) => [name, check])));
  const isTool = shaped({
    type: oneOf('function'),
    function: shaped({
      name: isString,
      description: optional(isString),
      parameters: optional(isObject),
      strict: optional(isBoolean),
    }),
  });

  const template: GenerationSpecs['template'] = {
    messages: {
      check: (value: unknown) => arrayOf(isMessage)(value) && (value as unknown[]).length > 0,
      expected:
        'at least one message of a role (system, user, assistant, tool), text as content, well-formed tool_calls',
    },
    tools: {
      check: arrayOf(isTool),
      expected: "an array of {type: 'function', function: {name, description, parameters, strict}}",
    },
    thinking: boolean,
  };

  return {
    isMessage,
    message,
    template,
    chat: {
      ...template,
      tool_choice: {
        check: (value) => oneOf('none', 'required')(value) || shaped({name: isString})(value),
        expected: 'none, required or {name}',
      },
      parallel_tool_calls: boolean,
      context_overflow: {check: oneOf('stop', 'truncate-oldest'), expected: 'stop or truncate-oldest'},
      ...generation,
    },
    completion: {
      prompt: {
        check: (value) => isString(value) || arrayOf(integer(0, 2 ** 32))(value),
        expected: 'text or an array of token ids',
      },
      echo: boolean,
      ...generation,
    },
  };
}

/** What the single checks cannot see: the option, what it is, and what was expected of it. Null: nothing. */
export function togetherProblem(options: GenerationOptions): [name: string, is: string, expected: string] | null {
  if (options.top_logprobs === undefined || options.logprobs) return null;
  return ['top_logprobs', 'set', 'logprobs: true beside it'];
}
