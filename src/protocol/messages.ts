// The wire between page and worker: tagged unions that both sides import. Plain data only; no class crosses.
// Every request has an id of its own; its replies carry it. After `done`, `result` or `error` an id is never used again.
import type {WireError} from '../errors.ts';
import type {ModelOptions} from '../model-options.ts';

/** Part of the worker's URL: two versions of the script never meet in one worker. */
export const PROTOCOL_VERSION = 7;

export type Role = 'system' | 'user' | 'assistant' | 'tool';

export interface ChatMessage {
  role: Role;
  content: string;
  /** Thinking, apart from the visible text. */
  reasoning?: string;
  name?: string;
  tool_call_id?: string;
  tool_calls?: ToolCall[];
  /** Answers of the element: the passages that the text cites by their number, from 1. Never sent to the model. */
  sources?: MessageSource[];
  /** Answers of the element: the tools that were used before the text. Sent to the model as calls and results. */
  steps?: readonly ToolStep[];
}

/** One call of a tool of the page's, in an answer of the element. */
export interface ToolStep {
  /** The call's, as the model reads it. */
  readonly id: string;
  readonly name: string;
  /** JSON, as the model wrote it. */
  readonly arguments: string;
  /** What the model wrote before the call. */
  readonly text: string;
  /** Calls of one round were made together; from 0. */
  readonly round: number;
  readonly state: 'asking' | 'running' | 'done' | 'failed' | 'refused' | 'stopped';
  /** What the model reads: the result, or why there is none. */
  readonly result: string;
}

/** A passage of a page, in the page's own words: show it as text. */
export interface MessageSource {
  /** Absolute, with the passage's anchor. */
  url: string;
  title: string;
  headings: string[];
  text: string;
}

export interface ToolCall {
  id: string;
  type: 'function';
  function: {name: string; arguments: string};
}

export interface ToolDefinition {
  type: 'function';
  /** `strict`: its arguments are generated under `parameters`, a JSON Schema. Default false. */
  function: {name: string; description?: string; parameters?: Record<string, unknown>; strict?: boolean};
}

/** Sampling and stopping. A field left out takes the model's default: temperature 1, top-k 64, top-p 0.95. */
export interface GenerationOptions {
  temperature?: number;
  top_k?: number;
  top_p?: number;
  min_p?: number;
  repetition_penalty?: number;
  /** −2 to 2: subtracted from a token's logit for each time the answer has it. */
  frequency_penalty?: number;
  /** −2 to 2: subtracted from the logits of tokens that the answer has. */
  presence_penalty?: number;
  /** By token id: added to its logit, −100 to 100. */
  logit_bias?: Record<string, number>;
  max_tokens?: number;
  stop?: string[];
  seed?: number;
  /** Chat: true for log-probabilities of the sampled tokens. */
  logprobs?: boolean;
  /** 0 to 20 alternatives a token. */
  top_logprobs?: number;
  /** The form of the answer's text; thoughts before it are free. Default: any text. */
  response_format?: ResponseFormat;
  /** Up to 4 loaded adapters. Those that are not named have no effect. */
  adapters?: AdapterUse[];
}

/**
 * The form of an answer. `json_object`: any JSON object. `json_schema`: OpenAI's shape, with or without `strict`. `regex`: the
 * whole answer matches this regular expression of ECMAScript with flag u. `gbnf`: a grammar as llama.cpp has them. What cannot
 * be enforced is refused with `grammar-invalid`.
 */
export type ResponseFormat =
  | {type: 'text'}
  | {type: 'json_object'}
  | {type: 'json_schema'; json_schema: {name?: string; description?: string; strict?: boolean; schema: unknown}}
  | {type: 'regex'; regex: string}
  | {type: 'gbnf'; gbnf: string};

/** An adapter that an answer uses. */
export interface AdapterUse {
  /** As `adapters.load` gave it. */
  id: string;
  /** Multiplies its effect. Default 1. */
  scale?: number;
}

/** An adapter that the model has loaded. */
export interface AdapterInfo {
  /** Names it in requests. The same file has the same id. */
  id: string;
  /** The file's. */
  name: string;
  /** Bytes on the GPU. */
  bytes: number;
  /** Matrices that it changes. */
  tensors: number;
  /** Tensors of the file without effect: norms, and keys and values of layers that use those of another layer. */
  dropped: string[];
  /** It has no effect before its invocation tokens. */
  activated: boolean;
}

/**
 * A GGUF file, or a file of safetensors and its `adapter_config.json`: as `url` the one beside the other. `integrity`:
 * SHA-256 of the file with the weights.
 */
export type AdapterRef = ({url: string} | {files: NamedBlob[]}) & {integrity?: string};

export interface ChatRequest extends GenerationOptions {
  messages: ChatMessage[];
  tools?: ToolDefinition[];
  /**
   * The answer calls no tool; it begins with a call of any of the tools; of the one with this name. Left out: the model
   * decides.
   */
  tool_choice?: 'none' | 'required' | {name: string};
  /** False: the answer ends with its first call. Default true. */
  parallel_tool_calls?: boolean;
  /** Let the model think before it answers, where its template can. */
  thinking?: boolean;
  /**
   * When the messages are longer than the context: `stop` (default) refuses them with `context-overflow`;
   * `truncate-oldest` leaves whole turns out, the oldest first, until there is room for the answer (`max_tokens`, or a
   * quarter of the context). An answer that fills the context ends with `length` either way.
   */
  context_overflow?: 'stop' | 'truncate-oldest';
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
  /** What the token adds to the text, in UTF-8; a character may be spread over several tokens. */
  bytes: number[];
  /** Natural logarithm; null for the first token of an echoed prompt. */
  logprob: number | null;
  /** The likeliest tokens at this place, likeliest first. */
  top: {id: number; token: string; bytes: number[]; logprob: number}[];
}

export type FinishReason = 'stop' | 'length' | 'abort' | 'tool_calls';

export interface Usage {
  prompt_tokens: number;
  /** Every token that was sampled, the one that ended the answer included. */
  completion_tokens: number;
  total_tokens: number;
  /** Prompt tokens whose keys and values were reused. */
  cached_tokens: number;
  /** The same, where OpenAI's programs look for it. */
  prompt_tokens_details: {cached_tokens: number};
  /** `reasoning_tokens`: those of the thoughts, with their tags. */
  completion_tokens_details: {reasoning_tokens: number};
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
  /** Where the form of a chat comes from: the file, the architecture, or nowhere (`chatProblem` says so). */
  template: 'file' | 'built-in' | 'missing';
  /**
   * The file has no chat template and does not call itself instruction-tuned (`-it`): most likely a base model, which
   * continues texts and answers no question.
   */
  looksPretrained: boolean;
  /** Why the model can complete texts and not chat: its file's chat template (`template-invalid`). Null where it can. */
  chatProblem: WireError | null;
  /** What its chat template has a place for. Asking for what it has not is refused with `option-invalid`. */
  capabilities: {thinking: boolean; tools: boolean};
}

/**
 * `download`: bytes come from the network; `waiting`: another worker of the site downloads the same file; `retry`: the
 * connection failed and is tried again; `upload`: all bytes are here and go to the GPU; `verify`: the file's hash.
 */
export type LoadPhase =
  | 'connect'
  | 'header'
  | 'download'
  | 'waiting'
  | 'retry'
  | 'upload'
  | 'verify'
  | 'compile'
  | 'ready';

export interface LoadProgress {
  phase: LoadPhase;
  /** 0 to 1 over all phases; never goes back. */
  fraction: number;
  loadedBytes: number;
  totalBytes: number;
  /** Where the bytes stay, once that is known. */
  storage?: ModelStorage;
}

/** Pages that generations use; of these, those that several use; those kept for what they hold; and free ones. */
export interface PageCounts {
  used: number;
  shared: number;
  cached: number;
  free: number;
}

export interface WorkerStats {
  /** Connected clients. */
  clients: number;
  /** One entry a client, of all tabs: its answers that run, and tokens it has been given so far. */
  sessions: {attention: Attention; running: number; decodedTokens: number}[];
  /** Loaded models: 0 or 1. */
  models: number;
  /** How often a lost GPU device was replaced. */
  recoveries: number;
  /** Generations that run and that wait for their turn; rows of the last step: of those that decode, and of a prompt. */
  batch: {running: number; queued: number; decodeRows: number; prefillRows: number};
  gpu: {
    weightBytes: number;
    /** Adapters, and what steps with adapters need besides. */
    adapterBytes: number;
    kvBytes: number;
    scratchBytes: number;
    /** Pages of keys and values, of full-attention and of sliding layers. */
    kvPages: {full: PageCounts; sliding: PageCounts};
  };
  perToken: {dispatches: number; submits: number; bytesWritten: number; bytesRead: number; objectsCreated: number};
  decodeTokensPerSecond: number;
  prefillTokensPerSecond: number;
  adapter: {vendor: string; architecture: string; device: string; description: string; features: string[]};
}

export interface HelloResult {
  version: number;
  /** Whether this worker has `navigator.gpu`. */
  webgpu: boolean;
  /** Name of a Web Lock that the worker holds as long as it lives; null where there are no Web Locks. */
  lock: string | null;
}

/** A file the visitor chose. */
export interface NamedBlob {
  blob: Blob;
  name: string;
}

/**
 * Where a model is. `url`: absolute, without fragment, or the shorthand `hf:…`, which is resolved when the request arrives; any file of a split model stands for all. `files`: what the
 * visitor chose, all of one model, in any order. `integrity`: the SHA-256 that the file must have, `sha256-…` in base64
 * or hex; for a split model one a file, in order, with spaces between.
 */
export type ModelRef = ({url: string} | {files: NamedBlob[]}) & {integrity?: string};

/**
 * Where a model's bytes stay. `opfs` and `cache` outlive the browser; with `memory` nothing is stored and the next load
 * fetches all again; `file` is the visitor's own.
 */
export type ModelStorage = 'opfs' | 'cache' | 'memory' | 'file';

/** What is known of a model before it is loaded. Nothing but the beginning of its header was read. */
export interface ModelInspection {
  /** `general.name`, or the file's name. The file's own words: show it as text. */
  name: string;
  /** Null where the beginning of the file does not say. */
  architecture: string | null;
  /** Bytes of all its files. */
  size: number;
  /** Bytes of them that are on this device and need not be fetched; `size`: all. */
  storedBytes: number;
  /** Ids of its files in the list of stored models. */
  storedIds: string[];
  storage: ModelStorage;
  /** It is on the GPU, or on its way there, for another client. */
  loaded: boolean;
  /** False: the server could not be reached, and everything here is from this device. */
  online: boolean;
  /** False: the server sends no ranges, and a download that is interrupted begins anew. */
  resumable: boolean;
  /** By its names a base model, which continues texts and answers no question. */
  looksPretrained: boolean;
  /** What the file says; null where it does not. `link` begins with http: or https:. */
  license: {name: string | null; link: string | null};
  /** Bytes on the GPU, as far as known before the whole header is read. */
  memory: {weightBytes: number; contextBytes: number | null};
  /** Bytes this site may still store; null where the browser does not say. */
  freeBytes: number | null;
  /** If there is too little room: stored models to remove, the least recently used first. */
  removable: StoredModelInfo[];
  /** Why it will not run here, as far as known by now. */
  problem: WireError | null;
}

/** A file on this device, complete or not. A split model has several. */
export interface StoredModelInfo {
  id: string;
  url: string;
  size: number;
  storedBytes: number;
  complete: boolean;
  /** Milliseconds since 1970. */
  lastUsed: number;
}

export interface StoredModels {
  /** The last used first. */
  models: StoredModelInfo[];
  storage: ModelStorage;
  /** Bytes of this site; null where the browser does not say. */
  usage: number | null;
  quota: number | null;
  free: number | null;
  /** Whether the browser promised not to clear it when space is short. */
  persisted: boolean;
}

/** To a dedicated worker itself. */
export type WorkerMessage =
  /** Serve the port in the event's `ports`; a shared worker's `connect` event says the same. */
  | {type: 'connect'}
  /** Serve the clients of all tabs, who speak on the channel of that name: the page has been elected. */
  | {type: 'host'; name: string}
  /** From the page that is host: it answers `pong`, unless it hangs. */
  | {type: 'ping'};

/** On the channel on which clients find the worker of the elected host. */
export type HostMessage =
  /** From a client: is there a host? */
  | {type: 'seek'}
  /** From the worker, when it begins and when it is sought. `host` is its own, new for every worker. */
  | {type: 'host'; host: string}
  /** From a client to that worker: `port` is a channel for the two of them, `greeting` the first messages on it. */
  | {type: 'open'; host: string; port: string; greeting: unknown[]};

/** `focused`: the visitor is at it; `visible`: it can be seen; `hidden`: its page is in the background. */
export type Attention = 'focused' | 'visible' | 'hidden';

/** From page to worker. */
export type Request =
  /** `lock`: a Web Lock that the client holds as long as it lives; null where there are none. */
  | {type: 'hello'; id: number; version: number; lock: string | null}
  | {
      type: 'load';
      id: number;
      model: ModelRef;
      options?: ModelOptions;
      idleTimeout?: number;
    }
  /** What would be loaded. Reads no more than the beginning of the header; needs no GPU. */
  | {type: 'inspect'; id: number; model: ModelRef; contextLength?: number}
  /** What is stored. */
  | {type: 'models'; id: number}
  /** `model`: an id of `models`; null for all. */
  | {type: 'remove'; id: number; model: string | null}
  /** `resume`: tokens of the answer that the page has from a worker that has gone; it goes on after them. */
  | {type: 'chat'; id: number; request: ChatRequest; resume?: number[]}
  | {type: 'completion'; id: number; request: CompletionRequest; resume?: number[]}
  | {type: 'tokenize'; id: number; text: string; addBos?: boolean; parseSpecial?: boolean}
  | {type: 'detokenize'; id: number; ids: number[]; special?: boolean}
  | {
      type: 'template';
      id: number;
      messages: ChatMessage[];
      tools?: ToolDefinition[];
      thinking?: boolean;
      addGenerationPrompt?: boolean;
    }
  /** Puts an adapter beside the model. */
  | {type: 'load-adapter'; id: number; adapter: AdapterRef}
  | {type: 'unload-adapter'; id: number; adapter: string}
  | {type: 'adapters'; id: number}
  /** `ask`: of training.ts beside this file. */
  | {type: 'train'; id: number; ask: {act: string}}
  | {type: 'stats'; id: number}
  /** Answered at once by a worker that does not hang. */
  | {type: 'ping'; id: number}
  /** To a `ping` of the worker's. */
  | {type: 'pong'}
  | {
      type: 'find';
      id: number;
      knowledge: KnowledgeRef;
      question: string;
      /** Most passages (default 5), and most of one page (default 3). */
      limit?: number;
      perPage?: number;
      /** Language of the question (BCP 47), where it is not the index's first. */
      language?: string;
    }
  /** Vectors of texts, by an embedding model that is loaded beside the chat's at the first request. */
  | {type: 'embed'; id: number; model: ModelRef; texts: string[]}
  /** Whether anyone looks at the client. Until it says so: visible. */
  | {type: 'attention'; attention: Attention}
  /** Ends the request of that id: a stream with `done`, anything else silently. */
  | {type: 'abort'; id: number}
  | {type: 'bye'};

/** The index of a site's pages. `url`: absolute, of its folder, ending in `/`. `integrity`: SHA-256 of its manifest. */
export interface KnowledgeRef {
  url: string;
  integrity?: string;
}

/** A passage of a page. Title, headings and text are the page's own words, and may be anyone's: show them as text. */
export interface FoundPassage {
  /** Absolute address of the page, with the anchor of the passage; of the origin of the index. */
  url: string;
  title: string;
  /** Headings from the page's own down to the one above the passage. */
  headings: string[];
  text: string;
  /** For comparing passages of one answer. */
  score: number;
}

export interface FoundPassages {
  /** Best first. */
  passages: FoundPassage[];
  /** Whether they are likely to answer the question. */
  sufficient: boolean;
  /** What `sufficient` is decided by, 0 to 1. */
  confidence: number;
  /** Words that the index does not have, and what was searched instead. */
  corrections: {word: string; instead: string}[];
}

/** Vectors of texts. */
export interface Embedded {
  /** f32[width] a text, of length one, in the order of the texts. */
  vectors: Float32Array[];
  /** Tokens of all texts. */
  tokens: number;
}

/** What `result` carries, by the request's type. */
export interface Results {
  hello: HelloResult;
  load: ModelInfo;
  inspect: ModelInspection;
  models: StoredModels;
  remove: undefined;
  tokenize: number[];
  detokenize: string;
  template: string;
  'load-adapter': AdapterInfo;
  'unload-adapter': undefined;
  adapters: AdapterInfo[];
  train: unknown;
  stats: WorkerStats;
  ping: undefined;
  find: FoundPassages;
  embed: Embedded;
}

/** What one generation says, in order; `done` comes last. */
export type GenerationEvent =
  /** So many of the oldest messages were left out. */
  | {type: 'truncated'; messages: number}
  | {type: 'prefill'; done: number; total: number}
  | {type: 'echo'; text: string; logprobs?: TokenLogprob[]}
  /** `ids`: the tokens that were sampled up to here since the last event that had some. */
  | {type: 'text'; channel: 'content' | 'reasoning'; delta: string; logprobs?: TokenLogprob[]; ids?: number[]}
  | {type: 'tool-calls'; calls: ToolCall[]; ids?: number[]}
  | {type: 'done'; reason: FinishReason; usage: Usage};

/** What comes back for `chat` and `completion`. */
export type StreamReply = (GenerationEvent | {type: 'queued'; position: number}) & {id: number};

/** From worker to page. */
export type Reply =
  | {type: 'result'; id: number; value: unknown}
  | {type: 'progress'; id: number; progress: LoadProgress}
  | StreamReply
  | {type: 'error'; id: number; error: WireError}
  /** Is the page there? It answers with `pong`. */
  | {type: 'ping'}
  /** Concerns every request of the port: the device was lost, the worker failed. */
  | {type: 'fatal'; error: WireError};
