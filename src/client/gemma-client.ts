// The runtime without the element: one model, OpenAI-shaped. Owns the public methods and what they check; the
// connection is connect.ts, the shapes are completions.ts.
import {GemmaError} from '../errors.ts';
import type {ModelOptions} from '../model-options.ts';
import {abortError, type Caller} from '../protocol/caller.ts';
import {arrayOf, isBoolean, isCount, isNumber, isObject, isString, oneOf, optional, shaped} from '../protocol/check.ts';
import type {LoadProgress, ModelInfo, ModelInspection, ToolDefinition, WorkerStats} from '../protocol/messages.ts';
import {booleanOption, checkOptions, found, modelOptions, requireObject, unexpected} from '../protocol/options.ts';
import type {AdaptersApi, Handed, Reloads} from './adapters.ts';
import {connect, type Platform} from './connect.ts';
import {leavable} from './leavable.ts';
import {ModelConnection, type Ways} from './model-connection.ts';
import {type ModelSrc, modelRef} from './model-src.ts';
import {type InspectOptions, inspect, integrityOption, modelSrcOption, storedModels, url} from './models.ts';
import {functionOption, type Specs, signalOption} from './option-specs.ts';
import {pagePlatform} from './platform.ts';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionParams,
  ChatMessageParam,
  Completion,
  CompletionParams,
  FinishedCompletion,
  ModelList,
  RequestOptions,
} from './shapes.ts';
import {workerUrl} from './worker-url.ts';

/** A model, and how it is loaded. */
export interface LoadOptions extends ModelOptions {
  /**
   * URL of a GGUF file, relative to the page; `hf:owner/repo/file.gguf[@revision]`; or the file itself. A split model:
   * the URL of its first part, or all its files.
   */
  modelSrc: ModelSrc;
  /** SHA-256 that the file must have, as `sha256-…` in base64 or hex. A split model: one a part, with spaces between. */
  integrity?: string;
  /** URL of `gemma-chat.worker.js`. Same-origin, it is shared by all tabs. Default: beside this script. */
  workerSrc?: string | URL;
  /** Milliseconds that the model stays on the GPU when no client uses it any more. Default 60 000. */
  idleTimeout?: number;
  onProgress?: (progress: LoadProgress) => void;
  signal?: AbortSignal;
}

export interface TokenizeOptions {
  /** Default: as the model's file says. */
  addBos?: boolean;
  /** Recognise control tokens in the text. Default false. */
  parseSpecial?: boolean;
}

export interface ApplyTemplateOptions {
  tools?: ToolDefinition[];
  thinking?: boolean;
  /** End where the model's answer begins. Default true. */
  addGenerationPrompt?: boolean;
}

const loadSpecs: Specs = {
  modelSrc: modelSrcOption,
  integrity: integrityOption,
  workerSrc: url,
  ...modelOptions,
  idleTimeout: {check: isCount, expected: 'milliseconds, 0 or more'},
  onProgress: functionOption,
  signal: signalOption,
};

/** One model in the worker of this site, for scripts. Made by `GemmaClient.load`; every method may throw GemmaError. */
export class GemmaClient {
  readonly model: Readonly<ModelInfo>;
  readonly chat = {completions: {create: this.#createChat.bind(this) as CreateChat}};
  readonly completions = {create: this.#createCompletion.bind(this) as CreateCompletion};
  /** The model, as OpenAI's programs list models. */
  readonly models = {list: async (): Promise<ModelList> => (await requests()).modelList(this.model)};
  /** LoRA adapters beside the model, for requests that name them. */
  readonly adapters: AdaptersApi;
  /** @internal For entries that are handed a client: `gemma-chat/train`. */
  readonly handed: Handed;
  /** Resolves when this client is of no more use: the device was lost, the worker ended. Load again. */
  readonly lost: Promise<GemmaError>;
  readonly #connection: ModelConnection;

  private constructor(handed: Handed, model: ModelInfo, adapters: AdaptersApi) {
    const {connection} = handed;
    this.handed = handed;
    this.#connection = connection;
    this.adapters = adapters;
    this.model = Object.freeze(model);
    this.lost = connection.lost;
  }

  /** The models that this site has stored on the visitor's device. */
  static readonly models = storedModels();

  /**
   * What a visitor should know before a model is loaded: its size, what of it is here, its licence, what may be in the
   * way. Reads 64 KiB of the file, if it is not stored.
   * @throws GemmaError, see docs/errors.md; AbortError
   */
  static inspect(options: InspectOptions): Promise<ModelInspection> {
    return inspect(options);
  }

  /**
   * Loads a model, or joins the one that other clients of this site have loaded.
   * @throws GemmaError, see docs/errors.md; AbortError
   */
  static async load(given: LoadOptions, platform: Platform = pagePlatform()): Promise<GemmaClient> {
    checkOptions('GemmaClient.load', given, loadSpecs);
    const {modelSrc, integrity, workerSrc, idleTimeout, signal, onProgress, ...options} = given;
    if (modelSrc === undefined) throw unexpected('modelSrc', 'missing', loadSpecs.modelSrc.expected);
    const model = modelRef(modelSrc, platform.baseUrl, integrity);
    const script = workerUrl(workerSrc, platform.baseUrl);
    if (signal?.aborted) throw abortError();
    onProgress?.({phase: 'connect', fraction: 0, loadedBytes: 0, totalBytes: 0});
    // Beside the model: no answer waits for it.
    requests().catch(() => undefined);
    const request = {type: 'load', model, options, idleTimeout} as const;
    let progress = onProgress;
    const ways: Ways = {
      connect: (stop) => connect(script, platform, {signal: stop}),
      async load(caller, stop) {
        const info = await caller.call(request, {signal: stop, onProgress: progress});
        for (const again of reloads.values()) await again(caller).catch(() => undefined);
        return info;
      },
    };
    const reloads: Reloads = new Map();
    const connection = new ModelConnection(await ways.connect(signal), ways);
    try {
      const info = await untilAbort(
        given,
        connection.call((caller) => ways.load(caller, signal)),
      );
      // A worker that takes over later loads unseen.
      progress = undefined;
      const base = platform.baseUrl;
      const handed: Handed = {
        ...{connection, reloads, base, checkOptions, found, modelRef, unexpected},
        integrity: integrityOption,
        signal: signalOption,
      };
      const adapters = (name: keyof AdaptersApi) => async (option?: unknown) =>
        (await import('./adapters.ts'))[name](handed, option as never) as never;
      return new GemmaClient(handed, info, {
        load: adapters('load'),
        list: adapters('list'),
        unload: adapters('unload'),
      });
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Whether other tabs of this site use the same worker. */
  get shared(): boolean {
    return this.#connection.shared;
  }

  /** Token ids of a text. */
  async tokenize(text: string, options: TokenizeOptions = {}): Promise<number[]> {
    if (typeof text !== 'string') throw invalid('text', text, 'a string');
    checkOptions('tokenize', options, {addBos: booleanOption, parseSpecial: booleanOption});
    return this.#call({type: 'tokenize', text, ...options});
  }

  /** @param options.special also write control tokens. Default false. */
  async detokenize(ids: readonly number[], options: {special?: boolean} = {}): Promise<string> {
    if (!arrayOf(isCount)(ids)) throw invalid('ids', ids, 'an array of token ids');
    checkOptions('detokenize', options, {special: booleanOption});
    return this.#call({type: 'detokenize', ids: [...ids], ...options});
  }

  /** The conversation as the model's template writes it. For reading: what a user wrote is not told from markup here. */
  async applyTemplate(messages: readonly ChatMessageParam[], options: ApplyTemplateOptions = {}): Promise<string> {
    return (await requests()).applyTemplate(this.#connection, messages, options);
  }

  async stats(): Promise<WorkerStats> {
    return this.#call({type: 'stats'});
  }

  /** Ends what runs with `closed` and frees what the worker held for this client. Idempotent. */
  close(): void {
    this.#connection.close();
  }

  #call: Caller['call'] = (request) => this.#connection.call((caller) => caller.call(request));

  async #createChat(
    params: ChatCompletionParams,
    options?: RequestOptions,
  ): Promise<ChatCompletion | AsyncIterable<ChatCompletionChunk>> {
    return (await requests()).createChat(this.#connection, this.model, params, options);
  }

  async #createCompletion(
    params: CompletionParams,
    options?: RequestOptions,
  ): Promise<FinishedCompletion | AsyncIterable<Completion>> {
    return (await requests()).createCompletion(this.#connection, this.model, params, options);
  }
}

/** What requests need, in a chunk that is fetched while a model loads. @throws GemmaError `network` */
async function requests(): Promise<typeof import('./requests.ts')> {
  const chunk = await import('./requests.ts').catch((cause) => {
    throw new GemmaError('network', 'a part of gemma-chat could not be fetched; try again, or load the page anew', {
      cause,
    });
  });
  const checks = {arrayOf, isBoolean, isNumber, isObject, isString, oneOf, optional, shaped};
  const options = {found, functionOption, requireObject, signalOption};
  chunk.hand({GemmaError, abortError, checks, leavable, ...options});
  return chunk;
}

export interface CreateChat {
  (
    params: ChatCompletionParams & {stream: true},
    options?: RequestOptions,
  ): Promise<AsyncIterable<ChatCompletionChunk>>;
  (params: ChatCompletionParams & {stream?: false | null}, options?: RequestOptions): Promise<ChatCompletion>;
  (
    params: ChatCompletionParams,
    options?: RequestOptions,
  ): Promise<ChatCompletion | AsyncIterable<ChatCompletionChunk>>;
}

export interface CreateCompletion {
  (params: CompletionParams & {stream: true}, options?: RequestOptions): Promise<AsyncIterable<Completion>>;
  (params: CompletionParams & {stream?: false | null}, options?: RequestOptions): Promise<FinishedCompletion>;
  (params: CompletionParams, options?: RequestOptions): Promise<FinishedCompletion | AsyncIterable<Completion>>;
}

/** Where a promise waits, stopping is an AbortError, at once. */
function untilAbort<T>({signal}: {signal?: AbortSignal}, result: Promise<T>): Promise<T> {
  if (!signal) return result;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(abortError());
    signal.addEventListener('abort', stop);
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function invalid(name: string, value: unknown, expected: string): GemmaError {
  return unexpected(name, found(value), expected);
}
