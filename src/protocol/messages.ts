// The wire between page and worker: tagged unions that both sides import. Plain data only; no class crosses.
// Every request has an id of its own; its replies carry it. After `done`, `result` or `error` an id is never used again.
import type {WireError} from '../errors.ts';

/** Part of the worker's URL: two versions of the script never meet in one worker. */
export const PROTOCOL_VERSION = 1;

export type Role = 'system' | 'user' | 'assistant' | 'tool';

export interface ChatMessage {
  role: Role;
  content: string;
  /** Thinking, apart from the visible text. */
  reasoning?: string;
  name?: string;
  tool_call_id?: string;
  tool_calls?: ToolCall[];
}

export interface ToolCall {
  id: string;
  type: 'function';
  function: {name: string; arguments: string};
}

export interface ToolDefinition {
  type: 'function';
  function: {name: string; description?: string; parameters?: Record<string, unknown>};
}

/** Sampling and stopping. A field left out takes the model's default: temperature 1, top-k 64, top-p 0.95. */
export interface GenerationOptions {
  temperature?: number;
  top_k?: number;
  top_p?: number;
  min_p?: number;
  repetition_penalty?: number;
  max_tokens?: number;
  stop?: string[];
  seed?: number;
  /** Chat: true for log-probabilities of the sampled tokens. */
  logprobs?: boolean;
  /** 0 to 20 alternatives a token. */
  top_logprobs?: number;
}

export interface ChatRequest extends GenerationOptions {
  messages: ChatMessage[];
  tools?: ToolDefinition[];
  /** Let the model think before it answers, where its template can. */
  thinking?: boolean;
}

export interface CompletionRequest extends GenerationOptions {
  /** Raw text (control tokens recognised) or token ids; no template. */
  prompt: string | number[];
  /** Return the prompt too, with its log-probabilities when `logprobs` is set. */
  echo?: boolean;
}

export interface TokenLogprob {
  id: number;
  token: string;
  /** UTF-8 bytes of the token. */
  bytes: number[];
  /** Natural logarithm; null for the first token of an echoed prompt. */
  logprob: number | null;
  top: {id: number; token: string; logprob: number}[];
}

export type FinishReason = 'stop' | 'length' | 'abort' | 'tool_calls';

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  /** Prompt tokens whose keys and values were reused. */
  cached_tokens: number;
}

export interface ModelInfo {
  architecture: string;
  name: string;
  quantization: string;
  contextLength: number;
  trainedContextLength: number;
  vocabSize: number;
  parameters: number;
  /** Bytes of the model's file. */
  fileSize: number;
}

export type LoadPhase = 'connect' | 'header' | 'download' | 'compile' | 'ready';

export interface LoadProgress {
  phase: LoadPhase;
  /** 0 to 1 over all phases; never goes back. */
  fraction: number;
  loadedBytes: number;
  totalBytes: number;
}

export interface WorkerStats {
  /** Connected clients. */
  clients: number;
  /** Loaded models: 0 or 1. */
  models: number;
  sequences: number;
  queued: number;
  gpu: {
    weightBytes: number;
    kvBytes: number;
    scratchBytes: number;
    /** Keys and values pages in use and in all. */
    kvPagesUsed: number;
    kvPages: number;
  };
  perToken: {dispatches: number; submits: number; bytesWritten: number; bytesRead: number; objectsCreated: number};
  decodeTokensPerSecond: number;
  prefillTokensPerSecond: number;
  adapter: {vendor: string; architecture: string; device: string; description: string; features: string[]};
}

/** From page to worker. */
export type Request =
  | {type: 'hello'; id: number; version: number; lock: string}
  | {type: 'load'; id: number; model: {url: string} | {blob: Blob; name: string}; contextLength?: number}
  | {type: 'chat'; id: number; request: ChatRequest}
  | {type: 'completion'; id: number; request: CompletionRequest}
  | {type: 'tokenize'; id: number; text: string; addBos: boolean; parseSpecial: boolean}
  | {type: 'detokenize'; id: number; ids: number[]}
  | {type: 'template'; id: number; messages: ChatMessage[]; tools?: ToolDefinition[]; thinking?: boolean; addGenerationPrompt: boolean}
  | {type: 'stats'; id: number}
  | {type: 'abort'; id: number}
  | {type: 'bye'};

/** From worker to page. */
export type Reply =
  | {type: 'result'; id: number; value: unknown}
  | {type: 'progress'; id: number; progress: LoadProgress}
  | {type: 'queued'; id: number; position: number}
  | {type: 'prefill'; id: number; done: number; total: number}
  | {type: 'text'; id: number; channel: 'content' | 'reasoning'; delta: string; logprobs?: TokenLogprob[]}
  | {type: 'tool-calls'; id: number; calls: ToolCall[]}
  | {type: 'echo'; id: number; text: string; logprobs?: TokenLogprob[]}
  | {type: 'done'; id: number; reason: FinishReason; usage: Usage}
  | {type: 'error'; id: number; error: WireError}
  /** Concerns every request of the port: the device was lost, the worker failed. */
  | {type: 'fatal'; error: WireError};
