// `/v1/responses` over a chat: what was asked as messages, and the answer as items, whole or in events. A chunk of its own.
import type {ChatCompletion, ChatCompletionChunk, ChatCompletionParams} from '../client/shapes.ts';
import type {ToolCall, Usage} from '../protocol/messages.ts';
import {chatParams, type Refuse, type ResponseRequest} from './response-request.ts';

/** The answer of one request, as far as it is written. */
interface Draft {
  id: string;
  created: number;
  model: string;
  reasoning: string;
  text: string;
  calls: ToolCall[];
  finish: string | null;
  usage: Usage | null;
}

type Item = {type: string; id: string} & Record<string, unknown>;

/** A request to `/v1/responses`, as a chat. */
export interface ResponseChat {
  params: ChatCompletionParams;
  /** The response that an answer is. */
  whole(answer: ChatCompletion): object;
  /** The events of an answer that is being written. */
  events(chunks: AsyncIterable<ChatCompletionChunk>): AsyncIterable<object>;
}

/** @throws what `refuse` makes of what is wrong */
export const responseChat = (body: ResponseRequest, refuse: Refuse): ResponseChat => ({
  params: chatParams(body, refuse),
  whole: (answer) => responseOf(body, draftOf(answer)),
  events: (chunks) => events(body, chunks),
});

function draftOf({id, created, model, choices: [{message, finish_reason}], usage}: ChatCompletion): Draft {
  const {content, reasoning_content = '', tool_calls = []} = message;
  return {
    id,
    created,
    model,
    reasoning: reasoning_content,
    text: content,
    calls: tool_calls,
    finish: finish_reason,
    usage,
  };
}

const textPart = (text: string) => ({type: 'output_text', text, annotations: [], logprobs: []});
const reasoningPart = (text: string) => ({type: 'reasoning_text', text});

const reasoningItem = ({id, reasoning}: Draft): Item => ({
  ...{type: 'reasoning', id: `rs_${id}`, summary: []},
  content: reasoning === '' ? [] : [reasoningPart(reasoning)],
});

const messageItem = ({id, text}: Draft, status = 'completed'): Item => ({
  ...{type: 'message', id: `msg_${id}`, status, role: 'assistant'},
  content: status === 'completed' ? [textPart(text)] : [],
});

const callItem = ({id, function: {name, arguments: given}}: ToolCall, status = 'completed'): Item => ({
  ...{type: 'function_call', id: `fc_${id}`, call_id: id, name, status},
  arguments: status === 'completed' ? given : '',
});

/** The items of an answer, in the order in which they are written. */
function itemsOf(draft: Draft): Item[] {
  const items: Item[] = [];
  if (draft.reasoning !== '') items.push(reasoningItem(draft));
  if (draft.text !== '' || draft.calls.length === 0) items.push(messageItem(draft));
  return [...items, ...draft.calls.map((call) => callItem(call))];
}

/** The object of a response; without an end it is in progress. */
function responseOf(request: ResponseRequest, draft: Draft) {
  const cut = draft.finish === 'length';
  return {
    id: `resp_${draft.id}`,
    object: 'response',
    created_at: draft.created,
    status: draft.finish === null ? 'in_progress' : cut ? 'incomplete' : 'completed',
    error: null,
    incomplete_details: cut ? {reason: 'max_output_tokens'} : null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    metadata: request.metadata ?? {},
    model: draft.model,
    output: draft.finish === null ? [] : itemsOf(draft),
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: {effort: (request.reasoning as {effort?: string} | undefined)?.effort ?? null, summary: null},
    store: false,
    temperature: request.temperature ?? 1,
    text: {format: (request.text as {format?: object} | undefined)?.format ?? {type: 'text'}},
    tool_choice: request.tool_choice ?? 'auto',
    tools: request.tools ?? [],
    top_p: request.top_p ?? null,
    truncation: request.truncation ?? 'disabled',
    usage: draft.usage && {
      input_tokens: draft.usage.prompt_tokens,
      input_tokens_details: {cached_tokens: draft.usage.cached_tokens},
      output_tokens: draft.usage.completion_tokens,
      output_tokens_details: draft.usage.completion_tokens_details,
      total_tokens: draft.usage.total_tokens,
    },
  };
}

type Event = {type: string} & Record<string, unknown>;

/** A chat's chunks as the events of a response. */
async function* events(request: ResponseRequest, chunks: AsyncIterable<ChatCompletionChunk>): AsyncGenerator<Event> {
  const draft: Draft = {id: '', created: 0, model: '', reasoning: '', text: '', calls: [], finish: null, usage: null};
  let sequence = 0;
  let output = -1;
  /** The item that is being written, and how it ends. */
  let open: {kind: 'reasoning' | 'message'; end: () => Event[]} | null = null;
  const event = (type: string, rest: object): Event => ({
    type: `response.${type}`,
    sequence_number: sequence++,
    ...rest,
  });
  const closed = (): Event[] => {
    const ending = open?.end() ?? [];
    open = null;
    return ending;
  };
  /** One item with one part of text: what comes before its first piece, and what after its last. */
  const begin = (kind: 'reasoning' | 'message'): Event[] => {
    const before = closed();
    const isText = kind === 'message';
    const name = isText ? 'output_text' : 'reasoning_text';
    const part = isText ? textPart : reasoningPart;
    const item = (status?: string) => (isText ? messageItem(draft, status) : reasoningItem(draft));
    output += 1;
    const first = isText ? item('in_progress') : {...item(), content: []};
    const at = {item_id: first.id, output_index: output};
    const index = {...at, content_index: 0};
    open = {
      kind,
      end: () => {
        const text = isText ? draft.text : draft.reasoning;
        return [
          event(`${name}.done`, {...index, text, ...(isText && {logprobs: []})}),
          event('content_part.done', {...index, part: part(text)}),
          event('output_item.done', {output_index: at.output_index, item: item()}),
        ];
      },
    };
    return [
      ...before,
      event('output_item.added', {output_index: output, item: first}),
      event('content_part.added', {...index, part: part('')}),
    ];
  };
  const delta = function* (kind: 'reasoning' | 'message', text: string): Generator<Event> {
    if (open?.kind !== kind) yield* begin(kind);
    const isText = kind === 'message';
    const item_id = isText ? `msg_${draft.id}` : `rs_${draft.id}`;
    const index = {item_id, output_index: output, content_index: 0};
    const name = isText ? 'output_text.delta' : 'reasoning_text.delta';
    yield event(name, {...index, delta: text, ...(isText && {logprobs: []})});
    if (isText) draft.text += text;
    else draft.reasoning += text;
  };
  const call = function* (called: ToolCall): Generator<Event> {
    yield* closed();
    output += 1;
    const at = {item_id: `fc_${called.id}`, output_index: output};
    const given = called.function.arguments;
    yield event('output_item.added', {output_index: output, item: callItem(called, 'in_progress')});
    yield event('function_call_arguments.delta', {...at, delta: given});
    yield event('function_call_arguments.done', {...at, name: called.function.name, arguments: given});
    yield event('output_item.done', {output_index: output, item: callItem(called)});
    draft.calls.push(called);
  };

  for await (const {id, created, model, choices, usage} of chunks) {
    if (draft.id === '') {
      Object.assign(draft, {id, created, model});
      yield event('created', {response: responseOf(request, draft)});
      yield event('in_progress', {response: responseOf(request, draft)});
    }
    draft.usage = usage ?? draft.usage;
    for (const {delta: piece, finish_reason} of choices) {
      if (piece.reasoning_content) yield* delta('reasoning', piece.reasoning_content);
      if (piece.content) yield* delta('message', piece.content);
      for (const {index: _, ...called} of piece.tool_calls ?? []) yield* call(called);
      draft.finish = finish_reason ?? draft.finish;
    }
  }
  if (draft.text === '' && draft.calls.length === 0) yield* begin('message');
  yield* closed();
  draft.finish ??= 'stop';
  const response = responseOf(request, draft);
  yield event(response.status, {response});
}
