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
export interface ChatMessageParam extends Omit<ChatMessage, 'role' | 'content' | 'tool_calls'> {
  /** `developer` is the same as `system`. */
  role: ChatMessage['role'] | 'developer';
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

interface Watching {
  /** Ends the answer: with `finish_reason: 'abort'` in a stream, with an AbortError otherwise. */
  signal?: AbortSignal;
  onProgress?: (progress: RequestProgress) => void;
}

/** The second argument of `create`, as OpenAI's programs have it. */
export interface RequestOptions {
  /** As the option of that name; either of them ends the answer. */
  signal?: AbortSignal | null;
  /** Milliseconds until the whole answer is there. After them a TimeoutError, in a stream too. */
  timeout?: number;
}

/** What OpenAI's programs send for a server's books: accepted, and of no effect. */
export interface Bookkeeping {
  model?: string | null;
  user?: string | null;
  metadata?: object | null;
  store?: boolean | null;
  service_tier?: string | null;
  safety_identifier?: string | null;
  prompt_cache_key?: string | null;
  prompt_cache_retention?: string | null;
  /** What the answer will likely be. Here it makes nothing faster. */
  prediction?: object | null;
}

/** What a chat and a text completion have alike, beside the model's own options. */
interface Shared extends Watching, Bookkeeping {
  stream?: boolean | null;
  /** `include_usage`: the tokens come in a last chunk without choices (true), or not at all (false). */
  stream_options?: {include_usage?: boolean; include_obfuscation?: boolean} | null;
  /** Answers to one prompt, 1 to 16. Default 1. With a `seed`, the answer of index i is that of seed + i. */
  n?: number | null;
}

/** Whether and which tools are called. */
export type ToolChoice =
  | 'auto'
  | 'none'
  | 'required'
  | {type: 'function'; function: {name: string}}
  | {
      type: 'allowed_tools';
      allowed_tools: {mode: 'auto' | 'required'; tools: readonly {type?: string; function?: {name: string}}[]};
    };

/** Null counts as left out. */
type Nullable<T> = {[K in keyof T]?: T[K] | null};

type Generation = Nullable<Omit<GenerationOptions, 'stop' | 'logprobs' | 'adapters'>> & {
  stop?: string | readonly string[] | null;
  /** Up to 4 loaded adapters, each with the id that `client.adapters.load` gave. Those that are not named have no effect. */
  adapters?: readonly AdapterUse[] | null;
};

export interface ChatCompletionParams
  extends Generation,
    Shared,
    Nullable<Pick<ChatRequest, 'tools' | 'thinking' | 'context_overflow' | 'parallel_tool_calls'>> {
  messages: readonly ChatMessageParam[];
  logprobs?: boolean | null;
  /** The same as `max_tokens`. */
  max_completion_tokens?: number | null;
  /** Default `auto`: the model decides. */
  tool_choice?: ToolChoice | null;
  /** The same as `thinking`: false for `none` and `minimal`, else true. */
  reasoning_effort?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | null;
  modalities?: readonly 'text'[] | null;
  verbosity?: 'medium' | null;
}

export interface CompletionParams
  extends Omit<Generation, 'top_logprobs'>,
    Shared,
    Nullable<Pick<CompletionRequest, 'echo'>> {
  prompt: string | readonly number[];
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
  /** `n` of them, by index. */
  choices: {
    index: number;
    message: ChatCompletionMessage;
    logprobs: ChatLogprobs | null;
    finish_reason: FinishReason;
  }[];
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
  /** One; in the chunk of `stream_options.include_usage` none. */
  choices: {
    index: number;
    delta: ChatCompletionDelta;
    logprobs: ChatLogprobs | null;
    finish_reason: FinishReason | null;
  }[];
  /** In the last chunk. With `include_usage` null in the others. */
  usage?: Usage | null;
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

/** In a stream, a piece of it; the last one has `usage`. */
export interface Completion {
  id: string;
  object: 'text_completion';
  created: number;
  model: string;
  /** One in a stream, or none beside the tokens of `include_usage`; at the end `n`, by index. */
  choices: CompletionChoice[];
  usage?: Usage | null;
}

export interface CompletionChoice {
  index: number;
  text: string;
  logprobs: CompletionLogprobs | null;
  finish_reason: FinishReason | null;
}

export interface FinishedCompletion extends Completion {
  choices: (CompletionChoice & {finish_reason: FinishReason})[];
  usage: Usage;
}

/** What `client.models.list()` gives: the one model, in OpenAI's shape. */
export interface ModelList {
  object: 'list';
  /** `created` is 0: the file does not say. */
  data: {id: string; object: 'model'; created: number; owned_by: string}[];
}
