// The chat's state machine: loads a client, keeps the conversation, runs one answer at a time. Knows no markup:
// it tells its host when something changed, and hands it the events to dispatch.
import type {GemmaClient, RequestProgress} from '../client/index.ts';
import {type ErrorCode, GemmaError, isAbort} from '../errors.ts';
import type {ChatMessage, FinishReason, GenerationOptions, LoadProgress, Usage} from '../protocol/messages.ts';
import {requestMessages} from './conversation.ts';
import {type ChatStatus, createEvent, type GemmaChatSendDetail} from './events.ts';
import {describeSource, fetchSize, type ModelSource} from './model-source.ts';

export interface ClientOptions {
  modelSrc: string | Blob;
  workerSrc?: string;
  contextLength?: number;
  onProgress: (progress: LoadProgress) => void;
  signal: AbortSignal;
}
export type LoadClient = (options: ClientOptions) => Promise<GemmaClient>;

/** What the page has set, read anew whenever it is needed. */
export interface ChatSettings {
  modelSrc: string | Blob | null;
  workerSrc: string | null;
  contextLength: number | null;
  systemPrompt: string | null;
  generation: GenerationOptions;
}

export interface ChatHost {
  settings(): ChatSettings;
  /** Something that is shown has changed. */
  changed(): void;
  /** Dispatches; false when a listener prevented it. */
  emit(event: Event): boolean;
}

/** After these the client is of no more use. */
const FATAL = new Set<ErrorCode>(['device-lost', 'worker-failed', 'closed', 'protocol-mismatch']);

/** A request that a listener let through and that has not been answered yet. */
interface Turn {
  history: ChatMessage[];
  request: ChatMessage[];
}

export class ChatController {
  readonly #host: ChatHost;
  readonly #loadClient: LoadClient;

  #status: ChatStatus = 'idle';
  #client: GemmaClient | null = null;
  /** The client has said that it is of no more use. */
  #lost = false;
  /** Whether the element loaded the client itself, and so has to close it. */
  #owned = false;
  /** The visitor, or the page, has asked for the model once. */
  #wanted = false;
  #loading: {promise: Promise<void>; abort: AbortController} | null = null;
  #asking: AbortController | null = null;
  #generation: AbortController | null = null;
  /** The last user turn's answer failed. */
  #unanswered = false;

  #messages: readonly ChatMessage[] = [];
  /** The answer in the making. */
  answer: Readonly<ChatMessage> | null = null;
  /** Where the request stands before its first word. */
  activity: RequestProgress | null = null;
  /** Why the last answer ended; null before the first and after a failure. */
  finishReason: FinishReason | null = null;
  error: GemmaError | null = null;
  progress: LoadProgress | null = null;
  source: ModelSource | null = null;

  constructor(host: ChatHost, loadClient: LoadClient) {
    this.#host = host;
    this.#loadClient = loadClient;
  }

  get status(): ChatStatus {
    return this.#status;
  }

  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  get client(): GemmaClient | null {
    return this.#client;
  }

  get canSend(): boolean {
    return this.#client !== null && this.#status !== 'generating';
  }

  /** Uses a client of the page's, which the page also closes; null lets go of the present one. */
  useClient(client: GemmaClient | null): void {
    if (client === this.#client) return;
    this.#letGo();
    if (client) this.#adopt(client, false);
    else this.#rest();
  }

  /** The model's address has changed. A client of the page's stays. */
  sourceChanged(): void {
    const {modelSrc} = this.#host.settings();
    this.#asking?.abort();
    this.#asking = null;
    this.#wanted = false;
    this.source = modelSrc === null || modelSrc === '' ? null : describeSource(modelSrc);
    this.#host.changed();
    if (this.#client && !this.#owned) return;
    this.#letGo();
    this.#rest();
  }

  /** Learns the model's size, which a visitor sees before agreeing to load it. */
  async askSize(): Promise<void> {
    const {modelSrc} = this.#host.settings();
    if (typeof modelSrc !== 'string' || this.source?.size !== undefined || this.#asking) return;
    const asking = new AbortController();
    this.#asking = asking;
    const size = await fetchSize(modelSrc, asking.signal);
    if (this.#asking !== asking) return;
    this.#asking = null;
    // Interrupted: asked again when the poster returns.
    if (asking.signal.aborted || !this.source) return;
    this.source = {...this.source, size};
    this.#host.changed();
  }

  /** Resolves once the model can answer. Rejects with a GemmaError, or an AbortError when stopped. */
  load(): Promise<void> {
    if (this.#client) return Promise.resolve();
    if (this.#loading) return this.#loading.promise;
    const {modelSrc, workerSrc, contextLength} = this.#host.settings();
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
    this.#wanted = true;
    this.#asking?.abort();
    this.error = null;
    this.progress = null;
    const loading = {abort, promise: Promise.resolve()};
    this.#loading = loading;
    this.#enter('downloading');
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
      this.#adopt(client, true);
    } catch (error) {
      const current = this.#loading?.abort === abort;
      if (current) this.#loading = null;
      if (abort.signal.aborted || isAbort(error)) {
        if (current) this.#rest();
        throw abortError('loading was stopped');
      }
      throw this.#fail(error);
    }
  }

  #progressed(progress: LoadProgress, abort: AbortController): void {
    if (this.#loading?.abort !== abort) return;
    this.progress = progress;
    this.#host.emit(createEvent('progress', progress));
    // Once the bytes are there, the rest is the GPU's.
    const ready = progress.phase === 'compile' || progress.phase === 'ready';
    this.#enter(ready ? 'loading' : 'downloading');
  }

  #adopt(client: GemmaClient, owned: boolean): void {
    this.#client = client;
    this.#owned = owned;
    this.#lost = false;
    this.#loading = null;
    client.lost.then((error) => this.#clientLost(client, error));
    this.error = null;
    this.progress = null;
    this.#enter('ready');
    this.#host.emit(createEvent('load', {model: client.model}));
  }

  #clientLost(client: GemmaClient, error: GemmaError): void {
    if (this.#client !== client) return;
    this.#lost = true;
    // An answer in the making fails by itself, and keeps what had come.
    if (!this.#generation) this.#fail(error);
  }

  /**
   * Starts the answer to `content`. Null when a listener prevented it.
   * The promise gives the answer, whole or as far as it came when stopped; an AbortError where nothing had come.
   */
  begin(content: string): Promise<ChatMessage> | null {
    if (content.trim() === '') throw new GemmaError('option-invalid', 'the message is empty; send some text');
    const message: ChatMessage = {role: 'user', content};
    const turn = this.#prepare([...this.#messages, message], content, 'send');
    if (!turn) return null;
    this.#messages = turn.history;
    this.#host.emit(createEvent('gemma-chat-message', {message, done: true}));
    return this.#answer(turn.request);
  }

  /** Answers the last user turn anew; null when a listener prevented it. */
  regenerate(): Promise<ChatMessage> | null {
    const last = this.#messages.findLastIndex((message) => message.role === 'user');
    if (last < 0) throw new DOMException('there is no message to answer', 'InvalidStateError');
    const turn = this.#prepare(this.#messages.slice(0, last + 1), this.#messages[last].content, 'regenerate');
    if (!turn) return null;
    this.#messages = turn.history;
    return this.#answer(turn.request);
  }

  /** After an error: load again where there is no client, then answer what was left unanswered. */
  async retry(): Promise<void> {
    await this.load();
    if (this.#unanswered) await this.regenerate();
    else this.#rest();
  }

  #prepare(history: ChatMessage[], content: string, reason: GemmaChatSendDetail['reason']): Turn | null {
    if (!this.#client) throw new DOMException('the model is not loaded', 'InvalidStateError');
    if (this.#generation) throw new DOMException('an answer is being written; stop it first', 'InvalidStateError');
    const {systemPrompt} = this.#host.settings();
    const detail: GemmaChatSendDetail = {content, reason, messages: requestMessages(history, systemPrompt)};
    if (!this.#host.emit(createEvent('gemma-chat-send', detail))) return null;
    // A listener may have stopped, cleared or closed the chat.
    if (!this.#client || this.#generation) return null;
    return {history, request: detail.messages};
  }

  async #answer(messages: ChatMessage[]): Promise<ChatMessage> {
    const client = this.#client;
    if (!client) throw abortError('the model was let go');
    const abort = new AbortController();
    this.#generation = abort;
    this.#unanswered = true;
    this.error = null;
    this.finishReason = null;
    this.activity = null;
    this.answer = {role: 'assistant', content: ''};
    this.#enter('generating');
    let reason: FinishReason = 'abort';
    let usage: Usage | undefined;
    let failure: unknown;
    try {
      const {generation} = this.#host.settings();
      const onProgress = (activity: RequestProgress) => this.#waiting(activity, abort);
      const request = {...generation, messages, stream: true as const, signal: abort.signal, onProgress};
      for await (const chunk of await client.chat.completions.create(request)) {
        if (this.#generation !== abort) break;
        if (chunk.usage) usage = chunk.usage;
        const choice = chunk.choices[0];
        if (choice?.finish_reason) reason = choice.finish_reason;
        if (choice) this.#grow(choice.delta.content ?? '', choice.delta.reasoning_content ?? '');
      }
    } catch (error) {
      if (!isAbort(error)) failure = error;
    }
    // Cleared, replaced or disconnected meanwhile: this answer belongs to nothing any more.
    if (this.#generation !== abort) throw abortError('the answer was dropped');
    this.#generation = null;
    const answer = this.#keepAnswer(failure === undefined ? {finishReason: reason, usage} : {});
    if (failure !== undefined) throw this.#fail(failure);
    this.#unanswered = false;
    this.finishReason = reason;
    this.#enter('ready');
    if (!answer) throw abortError('the answer was stopped before its first word');
    return answer;
  }

  #waiting(activity: RequestProgress, abort: AbortController): void {
    if (this.#generation !== abort) return;
    this.activity = activity;
    this.#host.changed();
  }

  #grow(content: string, reasoning: string): void {
    if (!this.answer || (content === '' && reasoning === '')) return;
    const next: ChatMessage = {...this.answer, content: this.answer.content + content};
    if (reasoning) next.reasoning = (this.answer.reasoning ?? '') + reasoning;
    this.answer = next;
    this.activity = null;
    this.#host.changed();
    this.#host.emit(createEvent('gemma-chat-message', {message: next, done: false}));
  }

  /** Moves the answer in the making, however far it came, into the conversation. An empty one is dropped. */
  #keepAnswer(end: {finishReason?: FinishReason; usage?: Usage}): ChatMessage | null {
    const answer = this.answer;
    this.answer = null;
    this.#host.changed();
    const stoppedEmpty = end.finishReason === undefined || end.finishReason === 'abort';
    if (!answer || (stoppedEmpty && answer.content === '' && !answer.reasoning)) return null;
    this.#messages = [...this.#messages, answer];
    this.#host.emit(createEvent('gemma-chat-message', {message: answer, done: true, ...end}));
    return answer;
  }

  /** Ends the answer in the making, which stays as far as it came; or stops the loading. */
  stop(): void {
    this.#generation?.abort(abortError('stopped'));
    this.#loading?.abort.abort(abortError('stopped'));
    if (this.#loading) {
      this.#loading = null;
      this.#wanted = false;
      this.#rest();
    }
  }

  /** Puts another conversation in the place of this one; an answer in the making is dropped. */
  replaceMessages(messages: readonly ChatMessage[]): void {
    this.#dropGeneration();
    this.answer = null;
    this.finishReason = null;
    this.#unanswered = false;
    this.#messages = [...messages];
    if (this.#client) this.#rest();
    this.#host.changed();
  }

  /** The element has left the document for good: nothing is kept on the GPU for it. The conversation stays. */
  close(): void {
    this.#asking?.abort();
    if (this.#client && !this.#owned) {
      if (this.#generation) this.stop();
      return;
    }
    const wanted = this.#wanted;
    this.#letGo();
    this.#rest();
    this.#wanted = wanted;
  }

  /** The element is back in the document: what was loaded before it left is loaded again. */
  resume(): void {
    if (this.#wanted && !this.#client && this.#status !== 'error') this.load().catch(() => {});
  }

  #letGo(): void {
    this.#loading?.abort.abort(abortError('the model was let go'));
    this.#loading = null;
    const partial = this.#generation !== null;
    this.#dropGeneration();
    if (partial) this.#keepAnswer({finishReason: 'abort'});
    if (this.#owned) this.#client?.close();
    this.#client = null;
    this.#owned = false;
  }

  #dropGeneration(): void {
    const generation = this.#generation;
    this.#generation = null;
    generation?.abort(abortError('stopped'));
  }

  #fail(error: unknown): GemmaError {
    const failure = GemmaError.from(error);
    if (this.#lost || FATAL.has(failure.code)) this.#letGo();
    this.error = failure;
    this.#enter('error');
    this.#host.emit(createEvent('error', failure));
    return failure;
  }

  /** To the state in which nothing is going on. */
  #rest(): void {
    this.error = null;
    this.progress = null;
    const {modelSrc} = this.#host.settings();
    if (this.#client) this.#enter('ready');
    else if (modelSrc === null || modelSrc === '') this.#enter('idle');
    else this.#enter('consent');
  }

  #enter(status: ChatStatus): void {
    this.#host.changed();
    const previous = this.#status;
    if (status === previous) return;
    this.#status = status;
    this.#host.emit(createEvent('gemma-chat-status', {status, previous}));
  }
}

function abortError(message: string): DOMException {
  return new DOMException(message, 'AbortError');
}
