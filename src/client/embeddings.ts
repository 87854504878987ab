// `gemma-chat/embeddings`: vectors of texts, by an embedding model in this site's worker, in OpenAI's shape. Owns the connection
// and what the method checks; the model is the worker's, one for all tabs.
import {hasCode} from '../errors.ts';
import type {Caller} from '../protocol/caller.ts';
import {arrayOf, isString, oneOf} from '../protocol/check.ts';
import type {LoadProgress, ModelRef} from '../protocol/messages.ts';
import {checkOptions, found, unexpected} from '../protocol/options.ts';
import {type Connection, connect, type Platform} from './connect.ts';
import {type ModelSrc, modelRef} from './model-src.ts';
import {integrityOption, modelSrcOption, url} from './models.ts';
import {functionOption, type Specs, signalOption} from './option-specs.ts';
import {pagePlatform} from './platform.ts';
import {workerUrl} from './worker-url.ts';

export type {LoadProgress} from '../protocol/messages.ts';

export interface EmbeddingsOptions {
  /** The GGUF of an embedding model: a URL, `hf:…`, or a file that the visitor chose. */
  modelSrc: ModelSrc;
  /** SHA-256 of the file, as in `GemmaClient.load`. */
  integrity?: string;
  /** As in `GemmaClient.load`. */
  workerSrc?: string | URL;
  /** Hears of the load, which the first request begins. */
  onProgress?: (progress: LoadProgress) => void;
}

/** What each text is for: the words before it that EmbeddingGemma was trained with. */
const PROMPTS = {
  query: 'task: search result | query: ',
  document: 'title: none | text: ',
  similarity: 'task: sentence similarity | query: ',
  classification: 'task: classification | query: ',
  clustering: 'task: clustering | query: ',
  none: '',
} as const;

/** What texts are embedded for. */
export type EmbeddingTask = keyof typeof PROMPTS;

export interface EmbeddingParams {
  /** A text, or up to 2,048 of them. */
  input: string | readonly string[];
  /** `query` for a question and `document` for what is searched (`none` leaves the text as it is). Default `none`. */
  task?: EmbeddingTask;
  /** Numbers of a vector: its first ones, of length one again. Of 768, 512, 256 and 128 were trained for. Default: all. */
  dimensions?: number;
  /** `base64`: of f32 in little-endian. Default `float`. */
  encoding_format?: 'float' | 'base64';
  /** For OpenAI's programs; the model is the one of `modelSrc`. */
  model?: string;
  signal?: AbortSignal;
}

/** One text's vector. */
export interface Embedding<T = Float32Array> {
  object: 'embedding';
  index: number;
  embedding: T;
}

/** What `create` gives. */
export interface EmbeddingResponse<T = Float32Array> {
  object: 'list';
  model: string;
  data: Embedding<T>[];
  usage: {prompt_tokens: number; total_tokens: number};
}

const loadSpecs: Specs = {
  modelSrc: modelSrcOption,
  integrity: integrityOption,
  workerSrc: url,
  onProgress: functionOption,
};
const isDimensions = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 1;
const createSpecs: Specs = {
  input: {
    check: (value) => isString(value) || (arrayOf(isString)(value) && (value as unknown[]).length > 0),
    expected: 'a text or a list of texts',
  },
  task: {check: oneOf(...Object.keys(PROMPTS)), expected: Object.keys(PROMPTS).join(', ')},
  dimensions: {check: isDimensions, expected: 'an integer, 1 or more'},
  encoding_format: {check: oneOf('float', 'base64'), expected: 'float or base64'},
  model: {check: isString, expected: 'a string'},
  signal: signalOption,
};

/** An embedding model in this site's worker. Every method may throw GemmaError. */
export class GemmaEmbeddings {
  readonly #model: ModelRef;
  readonly #name: string;
  readonly #script: URL;
  readonly #platform: Platform;
  readonly #onProgress: EmbeddingsOptions['onProgress'];
  #connection: Promise<Connection> | null = null;

  /** Loads nothing: the model comes with the first request. @throws GemmaError `option-invalid`, `option-unknown` */
  constructor(options: EmbeddingsOptions, platform: Platform = pagePlatform()) {
    checkOptions('GemmaEmbeddings', options, loadSpecs);
    const {modelSrc, integrity, workerSrc, onProgress} = options;
    if (modelSrc === undefined) throw unexpected('modelSrc', 'missing', modelSrcOption.expected);
    this.#model = modelRef(modelSrc, platform.baseUrl, integrity);
    this.#name = 'url' in this.#model ? this.#model.url : this.#model.files[0].name;
    this.#script = workerUrl(workerSrc, platform.baseUrl);
    this.#platform = platform;
    this.#onProgress = onProgress;
  }

  /**
   * The vectors of texts, of length one, in the order of `input`.
   * @throws GemmaError `context-overflow` for a text that is too long, `architecture-unsupported` and `tensor-missing` for a file
   *   that is no whole embedding model, `model-in-use`, and those of a load; AbortError
   */
  create(params: EmbeddingParams & {encoding_format: 'base64'}): Promise<EmbeddingResponse<string>>;
  create(params: EmbeddingParams & {encoding_format?: 'float'}): Promise<EmbeddingResponse>;
  async create(params: EmbeddingParams): Promise<EmbeddingResponse<Float32Array | string>> {
    checkOptions('embeddings.create', params, createSpecs);
    const {input, task = 'none', dimensions, encoding_format, signal} = params;
    if (input === undefined) throw unexpected('input', 'missing', createSpecs.input.expected);
    const texts = (isString(input) ? [input as string] : (input as readonly string[])).map(
      (text) => PROMPTS[task] + text,
    );
    const request = {type: 'embed', model: this.#model, texts} as const;
    const ask = async () => (await this.#caller()).call(request, {signal, onProgress: this.#onProgress});
    // A worker may have ended without a word: the texts are sent once more, to the next one.
    const {vectors, tokens} = await ask().catch((error) => {
      if (hasCode(error, 'worker-failed')) return ask();
      throw error;
    });
    const data = vectors.map((vector, index) => {
      const cut = shortened(vector, dimensions);
      return {object: 'embedding', index, embedding: encoding_format === 'base64' ? base64(cut) : cut} as const;
    });
    return {object: 'list', model: this.#name, data, usage: {prompt_tokens: tokens, total_tokens: tokens}};
  }

  /** Lets go of the worker; a later request starts it again. Idempotent. */
  close(): void {
    this.#connection?.then(({close}) => close()).catch(() => undefined);
    this.#connection = null;
  }

  /** A worker that has ended is replaced with the next request. */
  async #caller(): Promise<Caller> {
    const known = await this.#connection?.catch(() => null);
    if (known && !known.caller.ended) return known.caller;
    this.#connection = connect(this.#script, this.#platform);
    return (await this.#connection).caller;
  }
}

/** Its first `dimensions` numbers, of length one ("Matryoshka representation learning", Kusupati et al., 2022). */
function shortened(vector: Float32Array, dimensions = vector.length): Float32Array {
  if (dimensions > vector.length) {
    throw unexpected('dimensions', found(dimensions), `at most ${vector.length}, as the model has`);
  }
  if (dimensions === vector.length) return vector;
  const first = vector.subarray(0, dimensions);
  const length = Math.hypot(...first);
  return first.map((value) => (length > 0 ? value / length : value));
}

function base64(vector: Float32Array): string {
  const bytes = new Uint8Array(4 * vector.length);
  const view = new DataView(bytes.buffer);
  vector.forEach((value, i) => {
    view.setFloat32(4 * i, value, true);
  });
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
