// What the AI SDK asks of a model, as a chat. What has no place in a chat is refused or warned of, never left out in silence.
import type {
  JSONValue,
  LanguageModelV4CallOptions,
  LanguageModelV4Message,
  LanguageModelV4ToolResultOutput,
  SharedV4Warning,
} from '@ai-sdk/provider';
import type {ChatCompletionParams, ChatMessageParam} from '../client/shapes.ts';
import {GemmaError} from '../errors.ts';
import type {ToolCall} from '../protocol/messages.ts';

/** A request, and what of it is not met. */
export interface ChatCall {
  params: ChatCompletionParams;
  warnings: SharedV4Warning[];
}

/** @throws GemmaError `option-invalid` for files: the model reads only text */
export function chatCall(options: LanguageModelV4CallOptions): ChatCall {
  const warnings: SharedV4Warning[] = [];
  const {reasoning = 'provider-default', toolChoice, responseFormat} = options;
  const tools = (options.tools ?? []).flatMap((tool) => {
    if (tool.type === 'function') {
      const {name, description, inputSchema: parameters, strict} = tool;
      return [{type: 'function' as const, function: {name, description, parameters, strict} as never}];
    }
    warnings.push({type: 'unsupported', feature: `tool ${tool.id}`, details: 'only functions of the page are called'});
    return [];
  });
  const params: Partial<ChatCompletionParams> = {
    messages: options.prompt.flatMap(messagesOf),
    max_tokens: options.maxOutputTokens,
    temperature: options.temperature,
    stop: options.stopSequences,
    top_p: options.topP,
    top_k: options.topK,
    presence_penalty: options.presencePenalty,
    frequency_penalty: options.frequencyPenalty,
    seed: options.seed,
    tools: tools.length > 0 ? tools : undefined,
    tool_choice:
      toolChoice?.type === 'tool' ? {type: 'function', function: {name: toolChoice.toolName}} : toolChoice?.type,
    response_format: formatOf(responseFormat),
    reasoning_effort: reasoning === 'provider-default' ? undefined : reasoning === 'max' ? 'xhigh' : reasoning,
    ...options.providerOptions?.gemma,
  };
  return {params: withoutUndefined(params) as ChatCompletionParams, warnings};
}

function formatOf(format: LanguageModelV4CallOptions['responseFormat']): ChatCompletionParams['response_format'] {
  if (format?.type !== 'json') return undefined;
  const {schema, name = 'answer'} = format;
  if (!schema) return {type: 'json_object'};
  return {type: 'json_schema', json_schema: {name, schema: schema as Record<string, unknown>, strict: true}};
}

/** A part of a message, as far as it is looked at. */
type Part = {type: string} & Record<string, unknown>;

function messagesOf(message: LanguageModelV4Message): ChatMessageParam[] {
  const {role, content} = message;
  if (role === 'system') return [{role, content}];
  const parts = content as unknown as Part[];
  if (role === 'user') return [{role, content: parts.map((part) => textOf(part, 'text')).join('')}];
  if (role === 'tool') {
    return parts.flatMap((part): ChatMessageParam[] => {
      if (part.type !== 'tool-result') return []; // an approval: what follows from it is a result, or a denial
      const {toolCallId, toolName, output} = part as unknown as {
        toolCallId: string;
        toolName: string;
        output: LanguageModelV4ToolResultOutput;
      };
      return [{role: 'tool', tool_call_id: toolCallId, name: toolName, content: resultText(output)}];
    });
  }
  const thoughts = parts.filter(({type}) => type === 'reasoning').map((part) => textOf(part, 'reasoning'));
  const calls = parts.filter(({type}) => type === 'tool-call').map(callOf);
  const said = parts.filter(({type}) => type !== 'reasoning' && type !== 'tool-call');
  return [
    {
      role: 'assistant',
      content: said.map((part) => textOf(part, 'text')).join(''),
      ...(thoughts.length > 0 && {reasoning_content: thoughts.join('')}),
      ...(calls.length > 0 && {tool_calls: calls}),
    },
  ];
}

function textOf({type, text}: Part, expected: string): string {
  if (type === expected) return text as string;
  throw new GemmaError('option-invalid', `a message has a part of type ${type}; the model reads only text`, {
    detail: {option: 'messages'},
  });
}

function callOf({toolCallId, toolName, input}: Part): ToolCall {
  const given = typeof input === 'string' ? input : JSON.stringify(input);
  return {id: toolCallId as string, type: 'function', function: {name: toolName as string, arguments: given}};
}

function resultText(output: LanguageModelV4ToolResultOutput): string {
  switch (output.type) {
    case 'text':
    case 'error-text':
      return output.value;
    case 'json':
    case 'error-json':
      return JSON.stringify(output.value as JSONValue);
    case 'execution-denied':
      return output.reason ?? 'The visitor did not allow this call.';
    default:
      return output.value.map((part) => textOf(part as unknown as Part, 'text')).join('');
  }
}

const withoutUndefined = (values: object): object =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
