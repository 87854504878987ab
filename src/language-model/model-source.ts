// The one model of these interfaces on a page: how it is named, whether it can be had, and the client that all sessions
// share. The client's code is loaded when it is first needed.
import type {GemmaClient, LoadOptions} from '../client/index.ts';
import type {Availability} from './availability.ts';

/** How a page names the model: as `GemmaClient.load` takes it, or a client that it has loaded. */
export type ModelConfiguration = Omit<LoadOptions, 'onProgress' | 'signal'> | {client: GemmaClient};

/** What sessions use of a client. */
export type PromptClient = Pick<GemmaClient, 'applyTemplate' | 'chat' | 'close' | 'lost' | 'model' | 'tokenize'>;

/** What loads a client; a test gives its own. */
export type ClientLoader = () => Promise<Pick<typeof GemmaClient, 'inspect' | 'load'>>;

/** Where sessions get their client from. */
export interface ModelSource {
  availability(): Promise<Availability>;
  /**
   * The client, loaded where it is not. A load that all who waited for it have given up ends; what it fetched is stored.
   * @param onFraction of the bytes that were still lacking, 0 to 1
   */
  open(options: {signal?: AbortSignal; onFraction?: (fraction: number) => void}): Promise<PromptClient>;
  /** One session more. */
  retain(): void;
  /** A session ends; without any, a client that was loaded here is closed. */
  release(): void;
}

export const importClient: ClientLoader = async () => (await import('../client/index.ts')).GemmaClient;

/** The source of what `configuration` names. */
export function modelSource(configuration: ModelConfiguration, load: ClientLoader = importClient): ModelSource {
  return 'client' in configuration ? new GivenClient(configuration.client) : new LoadedClient(configuration, load);
}

class GivenClient implements ModelSource {
  readonly #client: PromptClient;

  constructor(client: PromptClient) {
    this.#client = client;
  }

  async availability(): Promise<Availability> {
    return 'available';
  }

  async open(): Promise<PromptClient> {
    return this.#client;
  }

  retain(): void {}

  release(): void {}
}

class LoadedClient implements ModelSource {
  readonly #options: Omit<LoadOptions, 'onProgress' | 'signal'>;
  readonly #loader: ClientLoader;
  readonly #listeners = new Set<(fraction: number) => void>();
  #client: Promise<PromptClient> | null = null;
  #loading: AbortController | null = null;
  #users = 0;

  constructor(options: Omit<LoadOptions, 'onProgress' | 'signal'>, loader: ClientLoader) {
    this.#options = options;
    this.#loader = loader;
  }

  async availability(): Promise<Availability> {
    if (this.#loading) return 'downloading';
    if (this.#client) return 'available';
    const {modelSrc, integrity, workerSrc, contextLength} = this.#options;
    const asked = {modelSrc, integrity, workerSrc, contextLength};
    const {loaded, problem, size, storedBytes, storage} = await (await this.#loader()).inspect(asked);
    if (problem) return 'unavailable';
    return loaded || storage === 'file' || storedBytes >= size ? 'available' : 'downloadable';
  }

  async open({signal, onFraction}: Parameters<ModelSource['open']>[0]): Promise<PromptClient> {
    this.#users++;
    if (onFraction) this.#listeners.add(onFraction);
    const leave = (): void => this.release();
    signal?.addEventListener('abort', leave, {once: true});
    try {
      this.#client ??= this.#load();
      const client = await this.#client;
      signal?.throwIfAborted();
      return client;
    } catch (error) {
      if (!signal?.aborted) this.release();
      throw error;
    } finally {
      signal?.removeEventListener('abort', leave);
      if (onFraction) this.#listeners.delete(onFraction);
    }
  }

  retain(): void {
    this.#users++;
  }

  release(): void {
    this.#users--;
    if (this.#users > 0) return;
    this.#loading?.abort();
    const client = this.#client;
    this.#forget();
    client?.then((each) => each.close()).catch(() => undefined);
  }

  #forget(): void {
    this.#client = null;
    this.#loading = null;
  }

  async #load(): Promise<PromptClient> {
    const loading = new AbortController();
    const current = (): boolean => this.#loading === loading;
    this.#loading = loading;
    try {
      const loader = await this.#loader();
      const client = await loader.load({
        ...this.#options,
        signal: loading.signal,
        onProgress: fromFirst((fraction) => {
          for (const tell of this.#listeners) tell(fraction);
        }),
      });
      const loaded = this.#client;
      client.lost.then(() => {
        if (this.#client === loaded) this.#forget();
      });
      return client;
    } catch (error) {
      if (current()) this.#forget();
      throw error;
    } finally {
      if (current()) this.#loading = null;
    }
  }
}

/** Fractions of what was lacking when the first bytes came: what was on the device already is no part of it. */
function fromFirst(tell: (fraction: number) => void): NonNullable<LoadOptions['onProgress']> {
  let first: number | null = null;
  return ({phase, loadedBytes, totalBytes}) => {
    if (phase !== 'download' || totalBytes === 0) return;
    first ??= loadedBytes;
    if (totalBytes > first) tell((loadedBytes - first) / (totalBytes - first));
  };
}

let configured: ModelSource | null = null;

/** The page's model; null until it has named one. */
export function pageModel(): ModelSource | null {
  return configured;
}

/** Sessions that there are keep the model that they were made with. */
export function setPageModel(source: ModelSource): void {
  configured = source;
}
