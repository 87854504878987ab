// An answer as the AI SDK has it: whole, or in parts. Knows no request.
import type {
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
  SharedV4Warning,
} from '@ai-sdk/provider';
import type {ChatCompletion, ChatCompletionChunk} from '../client/shapes.ts';
import type {FinishReason, ToolCall, Usage} from '../protocol/messages.ts';

const UNIFIED: Readonly<Record<FinishReason, LanguageModelV4FinishReason['unified']>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  abort: 'interrupted',
};

const finishOf = (raw: FinishReason): LanguageModelV4FinishReason => ({unified: UNIFIED[raw], raw});

function usageOf(usage: Usage | null | undefined): LanguageModelV4Usage {
  const reasoning = usage?.completion_tokens_details.reasoning_tokens;
  const total = usage?.completion_tokens;
  return {
    inputTokens: {
      total: usage?.prompt_tokens,
      noCache: usage && usage.prompt_tokens - usage.cached_tokens,
      cacheRead: usage?.cached_tokens,
      cacheWrite: undefined,
    },
    outputTokens: {
      total,
      text: total === undefined || reasoning === undefined ? undefined : total - reasoning,
      reasoning,
    },
  } as LanguageModelV4Usage;
}

const callPart = ({id, function: {name, arguments: input}}: ToolCall) =>
  ({type: 'tool-call', toolCallId: id, toolName: name, input}) as const;

const metadataOf = ({id, created, model}: {id: string; created: number; model: string}) => ({
  id,
  timestamp: new Date(1000 * created),
  modelId: model,
});

/** All of an answer. */
export function resultOf(answer: ChatCompletion): Omit<LanguageModelV4GenerateResult, 'warnings'> {
  const [{message, finish_reason}] = answer.choices;
  const content: LanguageModelV4Content[] = [];
  if (message.reasoning_content) content.push({type: 'reasoning', text: message.reasoning_content});
  if (message.content) content.push({type: 'text', text: message.content});
  content.push(...(message.tool_calls ?? []).map(callPart));
  return {
    content,
    finishReason: finishOf(finish_reason),
    usage: usageOf(answer.usage),
    response: metadataOf(answer),
  };
}

interface Streaming {
  warnings: SharedV4Warning[];
  signal: AbortSignal;
  /** Called when the reader leaves. */
  leave: () => void;
  /** Chunks as they come, too. */
  raw: boolean;
}

/** An answer that is being written. An error in it is a part; a stop is an error of the stream. */
export function streamOf(
  chunks: AsyncIterable<ChatCompletionChunk>,
  {warnings, signal, leave, raw}: Streaming,
): ReadableStream<LanguageModelV4StreamPart> {
  const parts = partsOf(chunks, warnings, raw);
  return new ReadableStream({
    async pull(controller) {
      try {
        const {value, done} = await parts.next();
        if (signal.aborted) controller.error(signal.reason);
        else if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        if (signal.aborted) return controller.error(signal.reason);
        controller.enqueue({type: 'error', error});
        controller.close();
      }
    },
    async cancel() {
      leave();
      await parts.return(undefined);
    },
  });
}

async function* partsOf(
  chunks: AsyncIterable<ChatCompletionChunk>,
  warnings: SharedV4Warning[],
  raw: boolean,
): AsyncGenerator<LanguageModelV4StreamPart, void, undefined> {
  yield {type: 'stream-start', warnings};
  let begun = false;
  let blocks = 0;
  let open: 'text' | 'reasoning' | null = null;
  let finish: FinishReason = 'stop';
  let usage: Usage | null | undefined;
  const id = (): string => String(blocks);
  function* end(): Generator<LanguageModelV4StreamPart> {
    if (open) yield {type: `${open}-end`, id: id()};
    open = null;
  }
  function* say(kind: 'text' | 'reasoning', delta: string): Generator<LanguageModelV4StreamPart> {
    if (open !== kind) {
      yield* end();
      blocks += 1;
      open = kind;
      yield {type: `${kind}-start`, id: id()};
    }
    yield {type: `${kind}-delta`, id: id(), delta};
  }
  for await (const chunk of chunks) {
    if (!begun) yield {type: 'response-metadata', ...metadataOf(chunk)};
    begun = true;
    if (raw) yield {type: 'raw', rawValue: chunk};
    usage = chunk.usage ?? usage;
    for (const {delta, finish_reason} of chunk.choices) {
      if (delta.reasoning_content) yield* say('reasoning', delta.reasoning_content);
      if (delta.content) yield* say('text', delta.content);
      for (const call of delta.tool_calls ?? []) {
        yield* end();
        yield {type: 'tool-input-start', id: call.id, toolName: call.function.name};
        yield {type: 'tool-input-delta', id: call.id, delta: call.function.arguments};
        yield {type: 'tool-input-end', id: call.id};
        yield callPart(call);
      }
      finish = finish_reason ?? finish;
    }
  }
  yield* end();
  yield {type: 'finish', finishReason: finishOf(finish), usage: usageOf(usage)};
}
