// A chat without its markup: keeps the conversation and runs one answer at a time on the model's session. Tells its
// host when something changed, and hands it the events to dispatch.
import type {GemmaClient, RequestProgress} from '../client/index.ts';
import {GemmaError, isAbort} from '../errors.ts';
import type {ChatMessage, FinishReason, Usage} from '../protocol/messages.ts';
import {abortError, type ChatHost, ChatState} from './chat-state.ts';
import {requestMessages} from './conversation.ts';
import {type ChatStatus, createEvent, type GemmaChatSendDetail} from './events.ts';
import {type LoadClient, ModelSession} from './model-session.ts';

/** A request that a listener let through and that has not been answered yet. */
interface Turn {
  history: ChatMessage[];
  request: ChatMessage[];
}

export class ChatController {
  readonly #host: ChatHost;
  readonly #state: ChatState;
  readonly model: ModelSession;

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

  constructor(host: ChatHost, loadClient: LoadClient) {
    this.#host = host;
    this.#state = new ChatState(host);
    const user = {busy: () => this.#generation !== null, leaving: () => this.#leave()};
    this.model = new ModelSession(this.#state, user, loadClient);
  }

  get status(): ChatStatus {
    return this.#state.status;
  }

  get error(): GemmaError | null {
    return this.#state.error;
  }

  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  get client(): GemmaClient | null {
    return this.model.client;
  }

  get canSend(): boolean {
    return this.client !== null && this.status !== 'generating';
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
    await this.model.load();
    if (this.#unanswered) await this.regenerate();
    else this.model.rest();
  }

  #prepare(history: ChatMessage[], content: string, reason: GemmaChatSendDetail['reason']): Turn | null {
    if (!this.client) throw new DOMException('the model is not loaded', 'InvalidStateError');
    if (this.#generation) throw new DOMException('an answer is being written; stop it first', 'InvalidStateError');
    const {systemPrompt} = this.#host.settings();
    const detail: GemmaChatSendDetail = {content, reason, messages: requestMessages(history, systemPrompt)};
    if (!this.#host.emit(createEvent('gemma-chat-send', detail))) return null;
    // A listener may have stopped, cleared or closed the chat.
    if (!this.client || this.#generation) return null;
    return {history, request: detail.messages};
  }

  async #answer(messages: ChatMessage[]): Promise<ChatMessage> {
    const {client} = this;
    if (!client) throw abortError('the model was let go');
    const abort = new AbortController();
    this.#generation = abort;
    this.#unanswered = true;
    this.#state.error = null;
    this.finishReason = null;
    this.activity = null;
    this.answer = {role: 'assistant', content: ''};
    this.#state.enter('generating');
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
    if (failure !== undefined) throw this.model.fail(failure);
    this.#unanswered = false;
    this.finishReason = reason;
    this.#state.enter('ready');
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
    this.model.cancel();
  }

  /** Puts another conversation in the place of this one; an answer in the making is dropped. */
  replaceMessages(messages: readonly ChatMessage[]): void {
    this.#dropGeneration();
    this.answer = null;
    this.finishReason = null;
    this.#unanswered = false;
    this.#messages = [...messages];
    if (this.client) this.model.rest();
    this.#host.changed();
  }

  /** The element has left the document for good. The conversation stays. */
  close(): void {
    if (this.model.lent && this.#generation) this.stop();
    this.model.close();
  }

  /** The client goes: what came of the answer stays. */
  #leave(): void {
    const partial = this.#generation !== null;
    this.#dropGeneration();
    if (partial) this.#keepAnswer({finishReason: 'abort'});
  }

  #dropGeneration(): void {
    const generation = this.#generation;
    this.#generation = null;
    generation?.abort(abortError('stopped'));
  }
}
