// Gemma 4's prompt format, for files that carry no template: turns, thinking, tools, tool calls and their responses.
// Text in, text out; knows no tokens.
// A chunk of its own, which imports types only.
import type {PlainObject, PlainValue} from './plain-value.ts';
import type {TemplateInput, TemplateMessage, TemplateTool, TemplateToolCall} from './template-input.ts';

const isObject = (value: PlainValue | undefined): value is PlainObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const QUOTE = '<|"|>';

/** @param large the form of the 12B, 26B and 31B models: an empty thought opens an answer without thinking. */
export function renderGemma4(input: TemplateInput, large: boolean): string {
  const {tools, thinking} = input;
  const first = input.messages[0];
  const hasSystem = first !== undefined && isSystem(first);
  const messages = hasSystem ? input.messages.slice(1) : input.messages;
  let text = input.bosToken;
  if (thinking || tools.length > 0 || hasSystem) {
    text += '<|turn>system\n';
    if (thinking) text += '<|think|>\n';
    if (hasSystem) text += first.content.trim();
    text += tools.map((tool) => `<|tool>${declaration(tool)}<tool|>`).join('');
    text += '<turn|>\n';
  }

  const lastUser = messages.findLastIndex(({role}) => role === 'user');
  // A turn stays open while its tool call waits for an answer, and after the answer until the model has spoken.
  let open: 'no' | 'call' | 'response' = 'no';
  let continues = false;
  for (const [i, message] of messages.entries()) {
    if (message.role === 'tool') continue; // written with the call it answers
    const isModel = message.role === 'assistant';
    const calls = message.tool_calls ?? [];
    const responses = calls.length > 0 ? responsesAfter(messages, i) : [];
    const next = messages.slice(i + 1).find(({role}) => role !== 'tool');

    if (!continues) text += `<|turn>${isModel ? 'model' : message.role}\n`;
    if (message.reasoning && calls.length > 0 && i > lastUser) {
      text += `<|channel>thought\n${message.reasoning}\n<channel|>`;
    }
    text += calls.map(toolCall).join('');
    text += responses.map((response) => toolResponse(calls, response)).join('');
    text += isModel ? withoutThoughts(message.content) : message.content.trim();

    if (calls.length > 0 && responses.length === 0) open = 'call';
    else if (responses.length > 0 && !message.content && !next) open = 'response';
    else open = 'no';
    continues = isModel && next?.role === 'assistant' && open !== 'call';
    if (open === 'call') text += '<|tool_response>';
    else if (open === 'no' && !continues) text += '<turn|>\n';
  }

  if (!input.addGenerationPrompt || open === 'call') return text;
  if (open === 'response') return thinking ? `${text}<|channel>thought\n` : text;
  return `${text}<|turn>model\n${large && !thinking ? '<|channel>thought\n<channel|>' : ''}`;
}

function isSystem({role}: TemplateMessage): boolean {
  return role === 'system' || role === 'developer';
}

/** Drops every `<|channel>…<channel|>` span, and one that is left open up to its end. */
function withoutThoughts(text: string): string {
  return text
    .split('<channel|>')
    .map((part) => part.split('<|channel>')[0])
    .join('')
    .trim();
}

function toolCall({function: {name, arguments: args}}: TemplateToolCall): string {
  return `<|tool_call>call:${name}{${typeof args === 'string' ? args : fields(args)}}<tool_call|>`;
}

function responsesAfter(messages: readonly TemplateMessage[], i: number): TemplateMessage[] {
  const end = messages.findIndex(({role}, j) => j > i && role !== 'tool');
  return messages.slice(i + 1, end < 0 ? undefined : end);
}

function toolResponse(calls: readonly TemplateToolCall[], message: TemplateMessage): string {
  const answered = calls.findLast(({id}) => id === message.tool_call_id);
  const name = answered?.function.name ?? message.name ?? 'unknown';
  return `<|tool_response>response:${name}{value:${value(message.content, false)}}<tool_response|>`;
}

/** `k:v,…`, keys bare. */
function fields(object: PlainObject): string {
  return sorted(object)
    .map(([key, each]) => `${key}:${value(each, false)}`)
    .join(',');
}

function value(of: PlainValue, quoteKeys: boolean): string {
  if (typeof of === 'string') return QUOTE + of + QUOTE;
  if (Array.isArray(of)) return `[${of.map((each) => value(each, quoteKeys)).join(',')}]`;
  if (!isObject(of)) return String(of);
  const entries = sorted(of).map(([key, each]) => `${quoteKeys ? QUOTE + key + QUOTE : key}:${value(each, quoteKeys)}`);
  return `{${entries.join(',')}}`;
}

/** By key, regardless of case. */
function sorted(object: PlainObject): [string, PlainValue][] {
  const order = (key: string) => key.toLowerCase();
  return Object.entries(object).sort(([a], [b]) => (order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : 0));
}

function declaration({function: {name, description, parameters, response}}: TemplateTool): string {
  let text = `declaration:${name}{description:${QUOTE}${description ?? ''}${QUOTE}`;
  if (isObject(parameters) && Object.keys(parameters).length > 0) {
    const parts = [];
    if (isFilled(parameters.properties)) parts.push(`properties:{${properties(parameters.properties)}}`);
    if (isFilled(parameters.required)) parts.push(`required:${value(parameters.required, false)}`);
    parts.push(`type:${value(String(parameters.type ?? 'object').toUpperCase(), false)}`);
    text += `,parameters:{${parts.join(',')}}`;
  }
  if (isObject(response)) {
    const about = response.description ? `description:${value(response.description, false)},` : '';
    text += `,response:{${about}type:${value(String(response.type ?? 'object').toUpperCase(), false)}}`;
  }
  return `${text}}`;
}

function isFilled(part: PlainValue | undefined): part is PlainObject | PlainValue[] {
  return typeof part === 'object' && part !== null && Object.keys(part).length > 0;
}

/** Keys that describe an object itself where its properties stand among them. */
const OWN_KEYS = new Set(['description', 'type', 'properties', 'required', 'nullable']);

function properties(of: PlainValue, skipOwnKeys = false): string {
  if (!isObject(of)) return '';
  return sorted(of)
    .filter(([key, schema]) => !(skipOwnKeys && OWN_KEYS.has(key)) && isObject(schema))
    .map(([key, schema]) => `${key}:{${property(schema as PlainObject)}}`)
    .join(',');
}

/** The fields of one parameter, in the order that the model was trained on. */
function property(schema: PlainObject): string {
  const type = String(schema.type ?? '').toUpperCase();
  const parts = [];
  if (schema.description) parts.push(`description:${value(schema.description, false)}`);
  if (type === 'STRING' && isFilled(schema.enum)) parts.push(`enum:${value(schema.enum, true)}`);
  if (type === 'ARRAY' && isObject(schema.items) && isFilled(schema.items)) {
    parts.push(`items:{${items(schema.items)}}`);
  }
  if (schema.nullable) parts.push('nullable:true');
  if (type === 'OBJECT') {
    const own = isObject(schema.properties);
    parts.push(`properties:{${properties(own ? schema.properties : schema, !own)}}`);
    if (isFilled(schema.required)) parts.push(`required:${value(schema.required, false)}`);
  }
  parts.push(`type:${value(type, false)}`);
  return parts.join(',');
}

function items(schema: PlainObject): string {
  return sorted(schema)
    .filter(([, each]) => each !== null)
    .map(([key, each]) => {
      if (key === 'properties') return `properties:{${properties(each)}}`;
      if (key === 'required') return `required:${value(each, false)}`;
      if (key === 'type') return `type:${value(upper(each), true)}`;
      return `${key}:${value(each, true)}`;
    })
    .join(',');
}

function upper(type: PlainValue): PlainValue {
  return Array.isArray(type) ? type.map((each) => String(each).toUpperCase()) : String(type).toUpperCase();
}
