// What a request to `/v1/responses` asks of a chat. Refuses by name what would change the answer and is not supported.
import type {ChatCompletionParams, ChatMessageParam} from '../client/shapes.ts';
import type {ToolCall} from '../protocol/messages.ts';

/** Makes the error of a refused request. A chunk has no error classes of its own. */
export type Refuse = (code: 'option-unknown' | 'option-invalid', message: string, option: string) => Error;

/** The body of the request, as JSON gives it: hostile. */
export type ResponseRequest = Record<string, unknown>;

/** Options that a chat has, by their names here; those of the same name are given on as they are. */
const SAME = ['temperature', 'top_p', 'parallel_tool_calls', 'metadata', 'store', 'user', 'service_tier', 'model'];
const RENAMED: Readonly<Record<string, string>> = {max_output_tokens: 'max_completion_tokens'};
/** Of no effect here: for a server's books, or what is so anyway. */
const IGNORED = ['stream', 'stream_options', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention'];
const REFUSED: Readonly<Record<string, string>> = {
  previous_response_id: 'nothing is stored; send the conversation as input',
  conversation: 'nothing is stored; send the conversation as input',
  background: 'an answer is written while the page is open',
  prompt: 'there are no stored prompts',
  max_tool_calls: 'the page calls the tools',
  top_logprobs: 'use /v1/chat/completions',
};
const TRUNCATION: Readonly<Record<string, 'truncate-oldest' | 'error'>> = {auto: 'truncate-oldest', disabled: 'error'};

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Collects what is wrong, to be told all at once. */
class Wrong {
  readonly #found: {option: string; text: string; unknown: boolean}[] = [];

  add(option: string, text: string, unknown = false): void {
    this.#found.push({option, text, unknown});
  }

  /** `option-unknown` where nothing but unknown options was found, else `option-invalid`. */
  throwAny(refuse: Refuse): void {
    if (this.#found.length === 0) return;
    const text = this.#found.map((one) => one.text);
    const message = text.length === 1 ? text[0] : `${text.length} things are wrong: ${text.join(' · ')}`;
    const code = this.#found.every(({unknown}) => unknown) ? 'option-unknown' : 'option-invalid';
    throw refuse(code, message, this.#found[0].option);
  }
}

/** The chat that answers. @throws what `refuse` makes of what is wrong, all of it in one */
export function chatParams(request: ResponseRequest, refuse: Refuse): ChatCompletionParams {
  const wrong = new Wrong();
  const params: Fields = {};
  for (const [name, value] of Object.entries(request)) {
    if (value === null || value === undefined || IGNORED.includes(name)) continue;
    if (SAME.includes(name)) params[name] = value;
    else if (Object.hasOwn(RENAMED, name)) params[RENAMED[name]] = value;
    else if (Object.hasOwn(REFUSED, name)) {
      if (value !== false) wrong.add(name, `responses have no ${name} here: ${REFUSED[name]}`, true);
    } else if (Object.hasOwn(READ, name)) READ[name](value, params, wrong);
    else wrong.add(name, `responses have no option ${JSON.stringify(name)}`, true);
  }
  if (request.input === undefined || request.input === null)
    wrong.add('input', 'input is missing; expected a text or a list of items');
  wrong.throwAny(refuse);
  const system =
    typeof request.instructions === 'string' ? [{role: 'system', content: request.instructions} as const] : [];
  return {...params, messages: [...system, ...(params.messages as ChatMessageParam[])]} as ChatCompletionParams;
}

type Read = (value: unknown, params: Fields, wrong: Wrong) => void;

/** Options that mean something else, or look otherwise, in a chat. */
const READ: Readonly<Record<string, Read>> = {
  input(value, params, wrong) {
    params.messages = typeof value === 'string' ? [{role: 'user', content: value}] : messagesOf(value, wrong);
  },
  instructions(value, _params, wrong) {
    if (typeof value !== 'string') wrong.add('instructions', 'instructions is no string');
  },
  tools(value, params, wrong) {
    params.tools = listOf(value).map((tool, i) => {
      if (isFields(tool) && tool.type === 'function') {
        const {type: _, strict, ...definition} = tool;
        return {type: 'function', function: {...definition, ...(strict ? {strict} : {})}};
      }
      const kind = isFields(tool) ? String(tool.type) : typeof tool;
      return wrong.add('tools', `tools[${i}] is of type ${kind.slice(0, 40)}; only functions are called here`);
    });
    if (!Array.isArray(value)) wrong.add('tools', 'tools is no list');
  },
  tool_choice(value, params) {
    const isNamed = isFields(value) && value.type === 'function' && 'name' in value;
    params.tool_choice = isNamed ? {type: 'function', function: {name: value.name}} : value;
  },
  text(value, params, wrong) {
    const {format, verbosity} = isFields(value) ? value : ({} as Fields);
    if (verbosity !== undefined && verbosity !== null) params.verbosity = verbosity;
    if (format === undefined || format === null) return;
    if (!isFields(format)) return wrong.add('text', 'text.format is no object');
    if (format.type === 'text') return;
    const {type, ...schema} = format;
    params.response_format = type === 'json_schema' ? {type, json_schema: schema} : format;
  },
  reasoning(value, params, wrong) {
    const {effort} = isFields(value) ? value : ({} as Fields);
    if (!isFields(value)) wrong.add('reasoning', 'reasoning is no object');
    else if (effort !== undefined && effort !== null) params.reasoning_effort = effort;
  },
  truncation(value, params, wrong) {
    if (typeof value === 'string' && Object.hasOwn(TRUNCATION, value)) params.context_overflow = TRUNCATION[value];
    else wrong.add('truncation', 'truncation is neither auto nor disabled');
  },
  include(value, _params, wrong) {
    // What a server would add of its own hidden thoughts: here they are in the answer.
    const left = listOf(value).filter((one) => one !== 'reasoning.encrypted_content');
    if (left.length > 0) wrong.add('include', `include has ${String(left[0]).slice(0, 60)}, which there is not`);
  },
};

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Items of a conversation as messages; calls that follow each other are one message. */
function messagesOf(input: unknown, wrong: Wrong): ChatMessageParam[] {
  if (!Array.isArray(input)) wrong.add('input', 'input is neither a text nor a list of items');
  const messages: ChatMessageParam[] = [];
  for (const [i, item] of listOf(input).entries()) {
    const at = `input[${i}]`;
    const {type = 'message', ...rest} = isFields(item) ? item : {type: typeof item};
    const read = Object.hasOwn(ITEMS, String(type)) ? ITEMS[String(type)] : undefined;
    if (read) read(rest, messages, (content, name) => textOf(content, `${at}.${name}`, wrong));
    else wrong.add('input', `${at} is of type ${String(type).slice(0, 40)}; expected ${Object.keys(ITEMS).join(', ')}`);
  }
  return messages;
}

type ReadItem = (item: Fields, messages: ChatMessageParam[], text: (content: unknown, name: string) => string) => void;

const ITEMS: Readonly<Record<string, ReadItem>> = {
  message({role, content}, messages, text) {
    messages.push({role: role as ChatMessageParam['role'], content: text(content, 'content')});
  },
  function_call({call_id, name, arguments: given}, messages) {
    const call = {id: call_id, type: 'function', function: {name, arguments: given}} as ToolCall;
    const last = messages.at(-1);
    if (last?.role === 'assistant') last.tool_calls = [...(last.tool_calls ?? []), call];
    else messages.push({role: 'assistant', content: null, tool_calls: [call]});
  },
  function_call_output({call_id, output}, messages, text) {
    messages.push({role: 'tool', tool_call_id: call_id as string, content: text(output, 'output')});
  },
  /** Thoughts of earlier turns are not read again. */
  reasoning() {},
};

/** The text of a message: a string, or parts of text. */
function textOf(content: unknown, at: string, wrong: Wrong): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) wrong.add('input', `${at} is neither a text nor a list of parts`);
  return listOf(content)
    .map((part, i) => {
      const isText =
        isFields(part) && /^(input_|output_|)text$/.test(String(part.type)) && typeof part.text === 'string';
      if (isText) return part.text as string;
      wrong.add('input', `${at}[${i}] is no text; the model reads only text`);
      return '';
    })
    .join('');
}
