// A conversation with the model: what is in it, how full it is, and one prompt after the other. Every prompt sends the
// conversation whole: the worker knows its beginning by its tokens, and clones share that. Knows no interface of the
// specification.
import type {ChatCompletionParams} from '../client/index.ts';
import {chatMessages} from './chat-messages.ts';
import {toException} from './failure.ts';
import type {PromptClient} from './model-source.ts';
import {exception, quotaExceeded} from './platform.ts';
import {checkSystem, type Message, textMessage} from './prompt-input.ts';
import type {SessionTools} from './tools.ts';

/** How tokens are chosen. Left out: as the model's makers recommend. */
export interface Sampling {
  temperature?: number;
  top_k?: number;
}

/** What a session is made with and does not change. */
export interface SessionSettings {
  initial: readonly Message[];
  tools: SessionTools;
  sampling: Sampling;
}

/** A piece of an answer, in the order it comes in. */
export type AnswerPart =
  | {type: 'text'; value: string}
  | {type: 'tool-call'; value: {callID: string; name: string; arguments: object}};

/** Options of one prompt. */
export interface Ask {
  signal: AbortSignal;
  responseFormat?: ChatCompletionParams['response_format'];
  emit(part: AnswerPart): void;
  /** The oldest messages were left out. */
  onOverflow(): void;
}

/** A prompt with its answer, or an append: what is left out, is left out together. */
type Exchange = readonly Message[];

/** Times that a model may call tools in one answer. */
const MAX_ROUNDS = 16;

/** Most tokens that are kept free for an answer, where the oldest messages can make room. */
const ANSWER_ROOM = 1024;

export class Session {
  readonly window: number;
  readonly #client: PromptClient;
  readonly #settings: SessionSettings;
  #exchanges: readonly Exchange[];
  #usage: number;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(client: PromptClient, settings: SessionSettings, exchanges: readonly Exchange[], usage: number) {
    this.#client = client;
    this.#settings = settings;
    this.#exchanges = exchanges;
    this.#usage = usage;
    this.window = client.model.contextLength;
  }

  /** Reads the initial messages, so that the first prompt need not. @throws TypeError, QuotaExceededError, GemmaError */
  static async open(client: PromptClient, settings: SessionSettings, signal?: AbortSignal): Promise<Session> {
    checkSystem(settings.initial, false);
    if (settings.tools.definitions.length > 0 && !client.model.capabilities.tools) {
      throw exception('NotSupportedError', 'the chat template of this model has no place for tools');
    }
    const session = new Session(client, settings, [], 0);
    if (settings.initial.length > 0) {
      await session.#room(settings.initial, () => {});
      await session.#prefill(settings.initial, signal);
      session.#usage = await session.measure(settings.initial);
    }
    return session;
  }

  /** Tokens of the conversation. */
  get usage(): number {
    return this.#usage;
  }

  /** What was said so far, once more; what is being answered now is no part of it. */
  clone(): Session {
    return new Session(this.#client, this.#settings, this.#exchanges, this.#usage);
  }

  /** Tokens of messages by themselves. */
  async measure(messages: readonly Message[], addGenerationPrompt = false): Promise<number> {
    if (messages.length === 0) return 0;
    const {definitions} = this.#settings.tools;
    const text = await this.#client.applyTemplate(chatMessages(messages), {
      addGenerationPrompt,
      ...(definitions.length > 0 && {tools: definitions}),
    });
    return (await this.#client.tokenize(text, {addBos: false, parseSpecial: true})).length;
  }

  /** Adds messages, and reads them now. @throws TypeError, QuotaExceededError */
  append(messages: readonly Message[], {signal, onOverflow}: Pick<Ask, 'signal' | 'onOverflow'>): Promise<void> {
    return this.#inTurn(signal, async () => {
      this.#check(messages);
      await this.#room(messages, onOverflow);
      await this.#prefill(this.#all(messages), signal);
      await this.#keep(messages, signal);
    });
  }

  /** Adds messages and the model's answer to them. @throws TypeError, QuotaExceededError, DOMException */
  prompt(messages: readonly Message[], ask: Ask): Promise<void> {
    return this.#inTurn(ask.signal, async () => {
      this.#check(messages);
      await this.#room(messages, ask.onOverflow);
      const exchange = [...messages];
      for (let round = 0; ; round++) {
        if (round === MAX_ROUNDS)
          throw exception('UnknownError', `the model called tools ${MAX_ROUNDS} times in a row`);
        const answer = await this.#answer(exchange, ask);
        const last = exchange.at(-1);
        if (last?.prefix) exchange.splice(-1, 1, {...answer, text: last.text + answer.text});
        else exchange.push(answer);
        if (!this.#runs(answer)) break;
        exchange.push(await this.#execute(answer, ask.signal));
      }
      await this.#keep(exchange, ask.signal);
    });
  }

  #check(messages: readonly Message[]): void {
    checkSystem(messages, this.#settings.initial.length > 0 || this.#exchanges.length > 0);
  }

  #all(messages: readonly Message[], from = 0): Message[] {
    return [...this.#settings.initial, ...this.#exchanges.slice(from).flat(), ...messages];
  }

  /** One after the other; an aborted one does nothing when its turn comes. */
  #inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => {
      signal.throwIfAborted();
      return work();
    });
    this.#last = turn.catch(() => undefined);
    return turn.catch((error) => {
      throw signal.aborted ? signal.reason : toException(error, 'UnknownError');
    });
  }

  async #keep(messages: Exchange, signal: AbortSignal): Promise<void> {
    const usage = await this.measure(this.#all(messages));
    signal.throwIfAborted();
    this.#exchanges = [...this.#exchanges, messages];
    this.#usage = usage;
  }

  /** Leaves out the oldest exchanges until `messages` fit with an answer to them. The initial messages always stay. */
  async #room(messages: readonly Message[], onOverflow: () => void): Promise<void> {
    const room = this.window - Math.min(ANSWER_ROOM, Math.floor(this.window / 4));
    const fits = async (from: number): Promise<boolean> =>
      (await this.measure(this.#all(messages, from), true)) <= (from < this.#exchanges.length ? room : this.window - 1);
    if (await fits(0)) return;
    // The fewest that must go: fewer messages never need more tokens.
    let [low, high] = [Math.min(1, this.#exchanges.length), this.#exchanges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (await fits(middle)) high = middle;
      else low = middle + 1;
    }
    if (low === this.#exchanges.length && !(await fits(low))) {
      const needed = await this.measure(this.#all(messages, low));
      throw quotaExceeded('the prompt does not fit into the context, even when all before it is left out', {
        requested: Math.max(needed, this.window + 1),
        quota: this.window,
      });
    }
    // An answer of a tool whose call is gone says nothing.
    while (this.#exchanges[low]?.[0].responses.length) low++;
    this.#exchanges = this.#exchanges.slice(low);
    this.#usage = await this.measure(this.#all([]));
    onOverflow();
  }

  #params(messages: readonly Message[], signal: AbortSignal | undefined): ChatCompletionParams {
    const {tools, sampling} = this.#settings;
    return {
      messages: chatMessages(messages),
      ...sampling,
      ...(tools.definitions.length > 0 && {tools: tools.definitions}),
      ...(signal && {signal}),
    };
  }

  async #prefill(messages: readonly Message[], signal: AbortSignal | undefined): Promise<void> {
    await this.#client.chat.completions.create({...this.#params(messages, signal), max_tokens: 0});
  }

  async #answer(messages: readonly Message[], {signal, emit, responseFormat}: Ask): Promise<Message> {
    if (messages.at(-1)?.prefix) throw exception('NotSupportedError', 'prefix');
    const format = responseFormat && {response_format: responseFormat};
    const params = {...this.#params(this.#all(messages), signal), ...format, stream: true} as const;
    let text = '';
    const calls: Message['calls'][number][] = [];
    for await (const {choices} of await this.#client.chat.completions.create(params)) {
      const [{delta, finish_reason}] = choices;
      if (delta.content) {
        text += delta.content;
        emit({type: 'text', value: delta.content});
      }
      for (const {
        id,
        function: {name, arguments: json},
      } of delta.tool_calls ?? [])
        calls.push({id, name, arguments: json});
      if (finish_reason === 'abort')
        throw signal.aborted ? signal.reason : exception('UnknownError', 'the answer was ended');
    }
    const answer = {...textMessage('assistant', text), calls};
    if (!this.#runs(answer)) for (const call of calls) emit(callPart(call));
    return answer;
  }

  /** Whether tools are called here, and not by the page. */
  #runs({calls}: Message): boolean {
    return calls.length > 0 && calls.every(({name}) => this.#settings.tools.execute.has(name));
  }

  /** All calls of an answer at once. What a tool throws is told to the model. */
  async #execute({calls}: Message, signal: AbortSignal): Promise<Message> {
    const responses = await Promise.all(
      calls.map(async ({id, name, arguments: json}) => {
        try {
          const result = await this.#settings.tools.execute.get(name)?.(JSON.parse(json) as never);
          return {id, name, text: typeof result === 'string' ? result : (JSON.stringify(result) ?? '')};
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          return {id, name, text: JSON.stringify({error: message})};
        }
      }),
    );
    signal.throwIfAborted();
    return {...textMessage('user', ''), responses};
  }
}

function callPart({id, name, arguments: json}: Message['calls'][number]): AnswerPart {
  return {type: 'tool-call', value: {callID: id, name, arguments: JSON.parse(json)}};
}
