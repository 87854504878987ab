// A chat without its markup: keeps the conversation and has one answer at a time written by the model's session. Tells
// its host when something changed, and hands it the events to dispatch.
import type {GemmaClient} from '../../client/index.ts';
import {GemmaError, isAbort} from '../../errors.ts';
import type {ChatMessage, FinishReason, ToolStep} from '../../protocol/messages.ts';
import {type ChatStatus, createEvent, type GemmaChatSendDetail} from '../events.ts';
import type {ModelQuestions} from '../model/model-offer.ts';
import {type LoadClient, ModelSession} from '../model/model-session.ts';
import type {ChatTool} from '../tools/chat-tools.ts';
import {Answering, type Chunk, type Outcome} from './answering.ts';
import {ChatAdapter} from './chat-adapter.ts';
import {abortError, type ChatHost, ChatState, type Grounded} from './chat-state.ts';
import {Conversation, type ConversationData, type Feedback, type Turn, type TurnId} from './conversation.ts';
import {continuing, toolLoop} from './lazy-answers.ts';
import {Outbox} from './outbox.ts';
import {firstRead, messagesOfSteps, requestMessages} from './request-messages.ts';

/** One chat: its conversation, its model and its answers. */
export class ChatController {
  readonly #host: ChatHost;
  readonly #state: ChatState;
  readonly model: ModelSession;
  readonly answering: Answering;
  readonly outbox = new Outbox();

  #conversation = new Conversation();
  /** The last user turn's answer failed. */
  readonly #adapter = new ChatAdapter();
  #unanswered = false;
  #allow: (allowed: boolean) => void = () => {};
  /** What the page was told of the tools in the answer that is being written. */
  #toldSteps: readonly ToolStep[] = [];
  /** The share of the model's context that the last answer has filled; null before the first. */
  contextUsed: number | null = null;
  /** Why the last answer ended; null before the first and after a failure. */
  finishReason: FinishReason | null = null;

  constructor(host: ChatHost, loadClient: LoadClient, questions: ModelQuestions) {
    this.#host = host;
    this.#state = new ChatState(host);
    this.answering = new Answering({
      changed: () => host.changed(),
      grown: (turn) => this.#emitTurn(turn, false),
      used: (turn) => this.#emitTool(turn),
    });
    const user = {busy: () => this.answering.busy, leaving: () => this.#leave(), arrived: () => this.#sendNext()};
    this.model = new ModelSession(this.#state, user, loadClient, questions);
  }

  get status(): ChatStatus {
    return this.#state.status;
  }

  get error(): GemmaError | null {
    return this.#state.error;
  }

  get client(): GemmaClient | null {
    return this.model.client;
  }

  get conversation(): Conversation {
    return this.#conversation;
  }

  /** The finished messages that are shown. */
  get messages(): readonly ChatMessage[] {
    return this.#conversation.path.map(({message}) => message);
  }

  /** The first turn that the model reads, where earlier ones no longer fit; null where all do. */
  get cut(): TurnId | null {
    const {truncated} = this.answering;
    if (truncated === 0) return null;
    const {path} = this.#conversation;
    const at = firstRead(
      path.map(({message}) => message),
      truncated,
    );
    return path[at]?.id ?? null;
  }

  get canSend(): boolean {
    return (this.client !== null || this.finds) && !this.answering.busy;
  }

  /** Whether a question finds passages, with a model or without. */
  get finds(): boolean {
    return this.#host.settings().ground !== null;
  }

  /**
   * Starts the answer to `content`. Null when a listener prevented it.
   * The promise gives the answer, whole or as far as it came when stopped; an AbortError where nothing had come.
   */
  begin(content: string): Promise<ChatMessage> | null {
    return this.#say(content, this.#conversation.head, 'send');
  }

  /** Says something once it can be said: after the answer that is being written, or when there is a model. */
  queue(content: string): boolean {
    const queued = this.outbox.add(content);
    this.#host.changed();
    if (queued && this.canSend) this.#sendNext();
    return queued;
  }

  /** Says what waits at once: the answer that is being written ends as far as it came. */
  sendNow(id: number): void {
    const text = this.outbox.take(id);
    if (text === null) return;
    this.outbox.putBack(text);
    this.outbox.held = false;
    if (this.answering.busy) this.answering.stop();
    else this.#sendNext();
  }

  /** Takes back what waits. */
  unqueue(id: number): string | null {
    const text = this.outbox.take(id);
    this.#host.changed();
    return text;
  }

  #sendNext(): void {
    if (!this.canSend || this.outbox.held) return;
    const text = this.outbox.take();
    if (text === null) return;
    // Prevented by the page: the visitor still has it.
    const answer = this.begin(text);
    if (!answer) this.outbox.putBack(text);
    this.#host.changed();
    answer?.catch((error: unknown) => {
      if (!(error instanceof GemmaError) && !isAbort(error)) throw error;
    });
  }

  /** Says something else in the place of a user turn: a new branch, with an answer of its own. As `begin`. */
  edit(id: TurnId, content: string): Promise<ChatMessage> | null {
    const {parent} = this.#shown(id);
    return this.#say(content, parent, 'edit');
  }

  /**
   * Answers a user turn anew, by default the last; the earlier answer stays as a branch. Null when a listener
   * prevented it. For an answer's id, what it answered is meant.
   */
  regenerate(id?: TurnId): Promise<ChatMessage> | null {
    const {path} = this.#conversation;
    const end = id === undefined ? path.length - 1 : path.indexOf(this.#shown(id));
    const asked = path.slice(0, end + 1).findLast(({message}) => message.role === 'user');
    if (!asked) throw new DOMException('there is no message to answer', 'InvalidStateError');
    const detail = this.#prepare(this.#upTo(asked.id), asked.message.content, 'regenerate');
    if (!detail) return null;
    const before = this.#conversation.head;
    this.#conversation.rewind(asked.id);
    return this.#answer(detail, asked.id, before);
  }

  /** Goes on with the last answer, which reached its length limit. As `begin`. */
  continue(): Promise<ChatMessage> | null {
    const {path} = this.#conversation;
    const [asked, begun] = path.slice(-2);
    if (begun?.message.role !== 'assistant')
      throw new DOMException('there is no answer to continue', 'InvalidStateError');
    const detail = this.#prepare(this.#upTo(asked.id), asked.message.content, 'continue');
    if (!detail) return null;
    this.#conversation.rewind(asked.id);
    return this.#answer(detail, asked.id, begun.id, begun);
  }

  /** After an error: load again where there is no client, then answer what was left unanswered. */
  async retry(): Promise<void> {
    await this.model.load();
    // What waited for the model is being answered already.
    if (this.answering.busy) return;
    if (this.#unanswered) await this.regenerate();
    else this.model.rest();
  }

  /** Shows the branch that begins with a turn. */
  select(id: TurnId): void {
    this.#edit(() => this.#conversation.select(id));
  }

  /** Deletes a turn and what followed it. */
  remove(id: TurnId): void {
    this.#edit(() => this.#conversation.remove(id));
  }

  /** Puts back what was removed. */
  restore(before: ConversationData): void {
    this.#edit(() => this.#conversation.restore(before));
  }

  /** What the visitor thinks of an answer; null takes it back. */
  rate(id: TurnId, rating: Feedback | null): void {
    const {message} = this.#conversation.note(id, {feedback: rating ?? undefined});
    this.#host.changed();
    this.#host.emit(createEvent('gemma-chat-feedback', {id, message, rating}));
  }

  /** Ends the answer in the making, which stays as far as it came; or stops the loading. */
  stop(): void {
    this.outbox.held = true;
    this.answering.stop();
    this.model.cancel();
  }

  /** Puts another conversation in the place of this one; an answer in the making is dropped. */
  replace(conversation: Conversation): void {
    this.answering.drop();
    this.finishReason = null;
    this.#unanswered = false;
    this.outbox.clear();
    this.answering.truncated = 0;
    this.contextUsed = null;
    this.#conversation = conversation;
    if (this.client) this.model.rest();
    this.#host.changed();
  }

  /** The element has left the document for good. The conversation stays. */
  close(): void {
    if (this.model.lent) this.answering.stop();
    this.model.close();
  }

  /** Another conversation is about to take the place of this one: what came of an answer stays in this one. */
  park(): void {
    this.#leave();
  }

  /** The client goes: what came of the answer stays. */
  #leave(): void {
    const turn = this.answering.drop();
    if (turn) this.#keep({turn, finishReason: 'abort'});
  }

  #edit(act: () => void): void {
    this.#refuseWhileAnswering();
    act();
    this.finishReason = null;
    this.#host.changed();
  }

  #shown(id: TurnId): Turn {
    const turn = this.#conversation.path.find((shown) => shown.id === id);
    if (!turn) throw new DOMException(`message ${id} is not shown`, 'InvalidStateError');
    return turn;
  }

  /** The messages of the shown path up to a turn. */
  #upTo(id: TurnId | null): ChatMessage[] {
    const {path} = this.#conversation;
    return path.slice(0, path.findIndex((turn) => turn.id === id) + 1).map(({message}) => message);
  }

  #say(content: string, parent: TurnId | null, reason: 'send' | 'edit'): Promise<ChatMessage> | null {
    if (content.trim() === '') throw new GemmaError('option-invalid', 'the message is empty; send some text');
    const message: ChatMessage = {role: 'user', content};
    const detail = this.#prepare([...this.#upTo(parent), message], content, reason);
    if (!detail) return null;
    const turn = this.#conversation.append(message, parent, {at: Date.now()});
    this.#emitTurn(turn, true);
    return this.#answer(detail, turn.id, turn.id);
  }

  #refuseWhileAnswering(): void {
    if (this.answering.busy) throw new DOMException('an answer is being written; stop it first', 'InvalidStateError');
  }

  #prepare(history: ChatMessage[], content: string, reason: GemmaChatSendDetail['reason']): GemmaChatSendDetail | null {
    if (!this.client && !this.finds) throw new DOMException('the model is not loaded', 'InvalidStateError');
    this.#refuseWhileAnswering();
    const {systemPrompt} = this.#host.settings();
    const conversation = this.#conversation;
    const {version} = conversation;
    const detail: GemmaChatSendDetail = {content, reason, messages: requestMessages(history, systemPrompt)};
    if (!this.#host.emit(createEvent('gemma-chat-send', detail))) return null;
    // A listener may have stopped, cleared or closed the chat.
    const changed = conversation !== this.#conversation || version !== conversation.version;
    if ((!this.client && !this.finds) || this.answering.busy || changed) return null;
    return detail;
  }

  /**
   * @param before the head to go back to where nothing comes
   * @param begun the answer to go on with
   */
  async #answer(detail: GemmaChatSendDetail, asked: TurnId, before: TurnId | null, begun?: Turn): Promise<ChatMessage> {
    const {client} = this;
    this.#unanswered = true;
    this.#toldSteps = [];
    this.#state.error = null;
    this.finishReason = null;
    const {thinking, contextOverflow, beforeSend, ground, tools, ...settings} = this.#host.settings();
    if (!client && !ground) throw abortError('the model was let go');
    const running = this.answering.run(
      begun?.id ?? this.#conversation.reserve(),
      asked,
      async (signal, onProgress, cite) => {
        await beforeSend?.(detail, signal);
        signal.throwIfAborted();
        const grounded = await ground?.(detail.messages, client, signal);
        signal.throwIfAborted();
        if (grounded) cite(grounded.sources);
        if (!client || (grounded && 'text' in grounded)) return found(grounded);
        const generation = await this.#adapter.use(settings.generation, settings.adapter, client, signal);
        signal.throwIfAborted();
        const request = {
          ...generation,
          ...(thinking ? {thinking} : {}),
          context_overflow: contextOverflow,
          messages: grounded?.messages ?? detail.messages,
          stream: true as const,
          signal,
          onProgress,
        };
        if (!begun) return this.#ask(client, request, tools);
        const {continuing: goOn} = await continuing.need();
        const {steps = [], content} = begun.message;
        const messages = [...request.messages, ...messagesOfSteps(steps)];
        const truncates = contextOverflow === 'truncate-oldest';
        return goOn({client, messages, content, generation, truncates, signal});
      },
      begun?.message,
    );
    if (client) this.#state.enter('generating');
    else this.#host.changed();
    const outcome = await running;
    // Cleared, replaced or disconnected meanwhile: this answer belongs to nothing any more.
    if (!outcome) throw abortError('the answer was dropped');
    const answer = this.#keep(outcome);
    if (outcome.usage && client)
      this.contextUsed = Math.min(1, outcome.usage.total_tokens / client.model.contextLength);
    if (!answer && before !== null && this.#conversation.has(before)) this.#conversation.select(before);
    if (outcome.failure !== undefined) {
      this.outbox.held = true;
      throw this.model.fail(outcome.failure);
    }
    this.#unanswered = false;
    this.finishReason = outcome.finishReason;
    if (client) this.#state.enter('ready');
    // After the answer has reached those that wait for it.
    setTimeout(() => this.#sendNext());
    if (!answer) throw abortError('the answer was stopped before its first word');
    return answer;
  }

  async #ask(
    client: GemmaClient,
    request: Parameters<GemmaClient['chat']['completions']['create']>[0] & StreamedRequest,
    tools: readonly ChatTool[],
  ): Promise<AsyncIterable<Chunk>> {
    const {completions} = client.chat;
    if (tools.length === 0) return completions.create(request);
    return (await toolLoop.need()).withTools({
      tools,
      messagesWith: (steps) => [...request.messages, ...messagesOfSteps(steps)],
      signal: request.signal,
      create: (messages, tools) => completions.create({...request, messages, ...(tools ? {tools} : {})}),
      ask: (_, signal) =>
        new Promise((resolve) => {
          this.#allow = resolve;
          signal.addEventListener('abort', () => resolve(false), {once: true});
        }),
    });
  }

  /** The visitor's word on the tool that asks. */
  allowTool(id: TurnId, index: number, allowed: boolean): void {
    const turn = this.answering.turn;
    if (turn?.id === id && turn.message.steps?.[index]?.state === 'asking') this.#allow(allowed);
  }

  #emitTool({id, message: {steps = []}}: Turn): void {
    for (const [index, step] of steps.entries()) {
      const {name, arguments: args, state, result} = step;
      if (this.#toldSteps[index] === step) continue;
      this.#host.emit(createEvent('gemma-chat-tool', {id, index, name, arguments: args, state, result}));
    }
    this.#toldSteps = steps;
  }

  /** Moves what came of an answer into the conversation. An empty one that was stopped or failed is not kept. */
  #keep({turn, finishReason, usage, failure}: Outcome): ChatMessage | null {
    this.#host.changed();
    const {id, parent, message, thinkingMs} = turn;
    const cut = failure !== undefined || finishReason === 'abort';
    if (cut && message.content === '' && !message.reasoning && !message.steps) return null;
    const facts = {
      at: Date.now(),
      ...(failure === undefined ? {finishReason} : {}),
      ...(thinkingMs === undefined ? {} : {thinkingMs}),
    };
    const kept = this.#conversation.append(message, parent, facts, id);
    this.#emitTurn(kept, true, failure === undefined ? {finishReason, usage} : {});
    return message;
  }

  #emitTurn({id, message}: Turn, done: boolean, end: Pick<Outcome, 'finishReason' | 'usage'> | object = {}): void {
    this.#host.emit(createEvent('gemma-chat-message', {id, message, done, ...end}));
  }
}

interface StreamedRequest {
  messages: ChatMessage[];
  stream: true;
  signal: AbortSignal;
}

/** What was found, as the stream of an answer that no one has to write. */
async function* found(grounded: Grounded | undefined): AsyncGenerator<Chunk> {
  if (grounded && 'text' in grounded) yield {choices: [{delta: {content: grounded.text}, finish_reason: 'stop'}]};
}
