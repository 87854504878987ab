// How a chat comes to its client and lets go of it: loading, pausing, losing, closing. What a visitor is asked beforehand
// is model-offer.ts. Knows nothing of messages: what uses the client is told before it goes.
import type {GemmaClient} from '../../client/index.ts';
import type {ModelSrc} from '../../client/model-src.ts';
import {type ErrorCode, GemmaError, isAbort} from '../../errors.ts';
import type {LoadPhase, LoadProgress} from '../../protocol/messages.ts';
import {abortError, type ChatState} from '../chat/chat-state.ts';
import {createEvent} from '../events.ts';
import {askToKeep, ModelOffer, type ModelQuestions} from './model-offer.ts';
import {TransferRate} from './transfer-rate.ts';

export interface ClientOptions {
  modelSrc: ModelSrc;
  integrity?: string;
  workerSrc?: string;
  contextLength?: number;
  onProgress: (progress: LoadProgress) => void;
  signal: AbortSignal;
}
export type LoadClient = (options: ClientOptions) => Promise<GemmaClient>;

/** Who asks the client. */
export interface ClientUser {
  /** A request is running; it fails by itself when the client is lost. */
  busy(): boolean;
  /** There is a client now. */
  arrived(): void;
  /** The client is about to go. */
  leaving(): void;
}

/** Without a word from the worker for so long, the visitor is told so. */
const STALLED_MS = 5000;

/** Phases in which a server's bytes are awaited. */
const FETCHES = new Set<LoadPhase>(['connect', 'header', 'download', 'retry']);

/** After these the client is of no more use. */
const FATAL = new Set<ErrorCode>(['device-lost', 'worker-failed', 'closed', 'protocol-mismatch']);

/** The model of one chat, from the first press to the end. */
export class ModelSession {
  readonly #state: ChatState;
  readonly #user: ClientUser;
  readonly #loadClient: LoadClient;

  #client: GemmaClient | null = null;
  /** The client has said that it is of no more use. */
  #lost = false;
  /** Whether the element loaded the client itself, and so has to close it. */
  #owned = false;
  /** The visitor, or the page, has asked for the model once. */
  #wanted = false;
  #loading: {promise: Promise<void>; abort: AbortController} | null = null;

  readonly offer: ModelOffer;
  progress: LoadProgress | null = null;
  /** Of the bytes that come over the network. */
  readonly rate = new TransferRate();
  /** Nothing has come for some seconds, where bytes are to come from a server. */
  stalled = false;
  #stall: ReturnType<typeof setTimeout> | undefined;

  constructor(state: ChatState, user: ClientUser, loadClient: LoadClient, questions: ModelQuestions) {
    this.#state = state;
    this.#user = user;
    this.#loadClient = loadClient;
    this.offer = new ModelOffer(state, questions);
  }

  get client(): GemmaClient | null {
    return this.#client;
  }

  /** The client is the page's, which also closes it. */
  get lent(): boolean {
    return this.#client !== null && !this.#owned;
  }

  /** The visitor has agreed to what is loaded, and may take it back. */
  get revocable(): boolean {
    return this.#client !== null && this.#owned && this.offer.agreed;
  }

  /** Uses a client of the page's; null lets go of the present one. */
  use(client: GemmaClient | null): void {
    if (client === this.#client) return;
    this.#letGo();
    if (client) this.#adopt(client, false);
    else this.rest();
  }

  /** The model's address has changed. A client of the page's stays. */
  sourceChanged(): void {
    this.#wanted = false;
    this.offer.sourceChanged();
    if (this.lent) return;
    this.#letGo();
    this.rest();
  }

  /**
   * Loads by itself, if no one has to be asked: `eagerly` with the site's consent or a file that is here, otherwise where
   * the visitor has agreed before and nothing has to be fetched.
   */
  async start(eagerly: boolean): Promise<void> {
    const {source} = this.offer;
    if (eagerly && this.offer.maySkipAsking()) return this.load();
    if (!(await (eagerly ? this.offer.mayStart() : this.offer.mayGoOn()))) return;
    // Another model, or the visitor's own decision, may have come first.
    const {status} = this.#state;
    if (source === this.offer.source && (status === 'consent' || status === 'error')) await this.load();
  }

  /** The visitor agrees. */
  agree(): Promise<void> {
    if (!this.offer.complete) askToKeep();
    this.offer.agree(true);
    return this.load();
  }

  /** The visitor takes the consent back: lets go of the model, which is asked for anew. */
  revoke(): void {
    this.offer.agree(false);
    this.offer.forget();
    this.#wanted = false;
    this.#letGo();
    this.rest();
  }

  /** Resolves once the model can answer. Rejects with a GemmaError, or an AbortError when stopped. */
  load(): Promise<void> {
    if (this.#client) return Promise.resolve();
    if (this.#loading) return this.#loading.promise;
    const {modelSrc, workerSrc, contextLength, integrity} = this.#state.host.settings();
    if (modelSrc === null || modelSrc === '') {
      return Promise.reject(new GemmaError('option-invalid', 'model-src is not set; name the URL of a GGUF file'));
    }
    const abort = new AbortController();
    const options: ClientOptions = {
      modelSrc,
      onProgress: (progress) => this.#progressed(progress, abort),
      signal: abort.signal,
    };
    if (workerSrc !== null) options.workerSrc = workerSrc;
    if (contextLength !== null) options.contextLength = contextLength;
    if (integrity) options.integrity = integrity;
    this.#wanted = true;
    this.offer.forget();
    this.#state.error = null;
    // One that was paused goes on from there.
    if (this.#state.status !== 'paused') this.progress = null;
    this.rate.reset();
    this.#watch(true);
    const loading = {abort, promise: Promise.resolve()};
    this.#loading = loading;
    this.#state.enter('downloading');
    loading.promise = this.#load(options, abort);
    return loading.promise;
  }

  async #load(options: ClientOptions, abort: AbortController): Promise<void> {
    try {
      const client = await this.#loadClient(options);
      if (abort.signal.aborted) {
        client.close();
        throw abort.signal.reason;
      }
      const {chatProblem} = client.model;
      if (chatProblem) {
        client.close();
        throw GemmaError.fromWire(chatProblem);
      }
      this.#adopt(client, true);
    } catch (error) {
      const current = this.#loading?.abort === abort;
      if (current) this.#loading = null;
      if (abort.signal.aborted || isAbort(error)) {
        if (current) this.rest();
        throw abortError('loading was stopped');
      }
      throw this.fail(error);
    }
  }

  #progressed(progress: LoadProgress, abort: AbortController): void {
    if (this.#loading?.abort !== abort) return;
    // Never goes back, after a pause either: what was stored before is read again, but need not be fetched.
    const fraction = Math.max(progress.fraction, this.progress?.fraction ?? 0);
    this.progress = {...progress, fraction};
    if (progress.phase === 'download' || progress.phase === 'header')
      this.rate.add(performance.now(), progress.loadedBytes);
    else this.rate.reset();
    this.#state.host.emit(createEvent('progress', this.progress));
    // Once the bytes are there, the rest is the GPU's.
    const ready = progress.phase === 'compile' || progress.phase === 'ready';
    this.#watch(FETCHES.has(progress.phase));
    this.#state.enter(ready ? 'loading' : 'downloading');
  }

  /** Waits for the next word, or for none any more. */
  #watch(waits: boolean): void {
    clearTimeout(this.#stall);
    this.stalled = false;
    if (!waits) return;
    this.#stall = setTimeout(() => {
      this.stalled = true;
      this.#state.host.changed();
    }, STALLED_MS);
  }

  #adopt(client: GemmaClient, owned: boolean): void {
    this.#client = client;
    this.#owned = owned;
    this.#lost = false;
    this.#loading = null;
    this.#watch(false);
    client.lost.then((error) => this.#clientLost(client, error));
    this.#state.error = null;
    this.progress = null;
    this.#state.enter('ready');
    this.#state.host.emit(createEvent('load', {model: client.model}));
    if (owned) this.offer.tell();
    this.#user.arrived();
  }

  #clientLost(client: GemmaClient, error: GemmaError): void {
    if (this.#client !== client) return;
    this.#lost = true;
    // An answer in the making fails by itself, and keeps what had come.
    if (!this.#user.busy()) this.fail(error);
  }

  /** Interrupts the download; `load` goes on from what has been stored. */
  pause(): void {
    if (!this.#loading || this.#state.status !== 'downloading') return;
    this.#stopLoading('paused');
    this.#state.enter('paused');
  }

  /** Gives up the loading, or the pause. What has been stored stays, and the poster says so. */
  cancel(): void {
    if (!this.#loading && this.#state.status !== 'paused') return;
    this.#stopLoading('stopped');
    this.offer.agree(false);
    this.rest();
  }

  #stopLoading(reason: string): void {
    this.#watch(false);
    this.#loading?.abort.abort(abortError(reason));
    this.#loading = null;
    this.#wanted = false;
    this.offer.forget();
  }

  /** The element has left the document for good: nothing is kept on the GPU for it. A client of the page's stays. */
  close(): void {
    this.offer.forget();
    if (this.lent) return;
    const wanted = this.#wanted;
    this.#letGo();
    this.rest();
    this.#wanted = wanted;
  }

  /** The element is back in the document: what was loaded before it left is loaded again. */
  resume(): void {
    if (this.#wanted && !this.#client && this.#state.status !== 'error') this.load().catch(() => {});
  }

  #letGo(): void {
    this.#watch(false);
    this.#loading?.abort.abort(abortError('the model was let go'));
    this.#loading = null;
    this.#user.leaving();
    if (this.#owned) this.#client?.close();
    this.#client = null;
    this.#owned = false;
  }

  /** Shows what went wrong in loading or answering; lets go of a client that is of no more use. */
  fail(error: unknown): GemmaError {
    const failure = GemmaError.from(error);
    this.#watch(false);
    if (this.#lost || FATAL.has(failure.code)) this.#letGo();
    this.offer.warn(failure);
    this.#state.fail(failure);
    return failure;
  }

  /** To the state in which nothing is going on. */
  rest(): void {
    this.#state.error = null;
    this.progress = null;
    const {modelSrc} = this.#state.host.settings();
    if (this.#client) this.#state.enter('ready');
    else if (modelSrc === null || modelSrc === '') this.#state.enter('idle');
    else this.#state.enter('consent');
    // Unless it is loaded at once.
    queueMicrotask(() => this.offer.look());
  }
}
