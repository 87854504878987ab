// The shapes of OpenAI's chat and text completions, as far as this runtime speaks them. Types only.
import type {
  AdapterUse,
  ChatMessage,
  ChatRequest,
  CompletionRequest,
  FinishReason,
  GenerationOptions,
  ToolCall,
  Usage,
} from '../protocol/messages.ts';

/** A turn of the conversation. What `chat.completions.create` returned can be given back as it is. */
export interface ChatMessageParam extends Omit<ChatMessage, 'content' | 'tool_calls'> {
  /** Parts are joined. Null beside tool calls. */
  content?: string | readonly {type: 'text'; text: string}[] | null;
  /** The same as `reasoning`. */
  reasoning_content?: string | null;
  tool_calls?: readonly ToolCall[] | null;
}

/** Where a request stands before its first token. */
export type RequestProgress =
  | {phase: 'queued' /** Requests that go first. */; position: number}
  | {
      phase: 'truncated' /** Messages left out, the oldest ones: `context_overflow: 'truncate-oldest'`. */;
      messages: number;
    }
  | {phase: 'restarting' /** The worker has ended, and the answer goes on in another once that has the model. */}
  | {phase: 'prefill' /** Tokens of the prompt, cached ones included. */; done: number; total: number};

interface RequestOptions {
  /** Ends the answer: with `finish_reason: 'abort'` in a stream, with an AbortError otherwise. */
  signal?: AbortSignal;
  onProgress?: (progress: RequestProgress) => void;
}

/** Null counts as left out. */
type Nullable<T> = {[K in keyof T]?: T[K] | null};

type Generation = Nullable<Omit<GenerationOptions, 'stop' | 'logprobs' | 'adapters'>> & {
  stop?: string | readonly string[] | null;
  /** Up to 4 loaded adapters, each with the id that `client.adapters.load` gave. Those that are not named have no effect. */
  adapters?: readonly AdapterUse[] | null;
};

export interface ChatCompletionParams
  extends Generation,
    RequestOptions,
    Nullable<Pick<ChatRequest, 'tools' | 'thinking' | 'context_overflow'>> {
  messages: readonly ChatMessageParam[];
  stream?: boolean | null;
  logprobs?: boolean | null;
}

export interface CompletionParams
  extends Omit<Generation, 'top_logprobs'>,
    RequestOptions,
    Nullable<Pick<CompletionRequest, 'echo'>> {
  prompt: string | readonly number[];
  stream?: boolean | null;
  /** How many alternatives to report with every token, 0 to 20; left out, no log-probabilities. */
  logprobs?: number | null;
}

export interface ChatTokenLogprob {
  token: string;
  bytes: number[];
  logprob: number;
  top_logprobs: {token: string; bytes: number[]; logprob: number}[];
}

export interface ChatLogprobs {
  content: ChatTokenLogprob[];
}

export interface ChatCompletionMessage {
  role: 'assistant';
  content: string;
  reasoning_content?: string;
  tool_calls?: ToolCall[];
}

export interface ChatCompletion {
  id: string;
  object: 'chat.completion';
  /** Seconds since 1970. */
  created: number;
  model: string;
  choices: [{index: 0; message: ChatCompletionMessage; logprobs: ChatLogprobs | null; finish_reason: FinishReason}];
  usage: Usage;
}

export interface ChatCompletionDelta {
  /** In the first chunk. */
  role?: 'assistant';
  content?: string;
  reasoning_content?: string;
  /** Whole calls, never in pieces. */
  tool_calls?: (ToolCall & {index: number})[];
}

export interface ChatCompletionChunk {
  id: string;
  object: 'chat.completion.chunk';
  created: number;
  model: string;
  choices: [{index: 0; delta: ChatCompletionDelta; logprobs: ChatLogprobs | null; finish_reason: FinishReason | null}];
  /** In the last chunk, the one with a `finish_reason`. */
  usage?: Usage;
}

/** One entry a token in each list. */
export interface CompletionLogprobs {
  tokens: string[];
  /** Natural logarithms; null for the first token of an echoed prompt. */
  token_logprobs: (number | null)[];
  top_logprobs: (Record<string, number> | null)[];
  /** Where the token begins in the returned text, in UTF-16 units. */
  text_offset: number[];
}

/** In a stream, a piece of it; the last one has `finish_reason` and `usage`. */
export interface Completion {
  id: string;
  object: 'text_completion';
  created: number;
  model: string;
  choices: [{index: 0; text: string; logprobs: CompletionLogprobs | null; finish_reason: FinishReason | null}];
  usage?: Usage;
}

export type FinishedCompletion = Completion & {
  choices: [{finish_reason: FinishReason}];
  usage: Usage;
};
