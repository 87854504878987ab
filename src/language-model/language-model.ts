// The Prompt API: `LanguageModel` as pages write programs for it, over this site's own model. Owns what the interface says;
// the conversation is session.ts's, the model model-source.ts's.
import type {Availability} from './availability.ts';
import {type CreateOptions, createModel} from './create-model.ts';
import {
  type ClientLoader,
  type ModelConfiguration,
  type ModelSource,
  modelSource,
  pageModel,
  setPageModel,
} from './model-source.ts';
import {
  type CheckedOptions,
  checkCreateOptions,
  type LanguageModelCreateCoreOptions,
  type LanguageModelSamplingMode,
  PARAMS,
} from './options.ts';
import {abortSignal, checkActive, dictionary, EventHandler, exception, nextTask, unlessAborted} from './platform.ts';
import {
  canonicalPrompt,
  type LanguageModelMessage,
  type LanguageModelPrompt,
  type Message,
  textMessage,
} from './prompt-input.ts';
import {type ResponseConstraint, responseConstraint} from './response-constraint.ts';
import {type AnswerPart, type Ask, Session} from './session.ts';
import {LanguageModelToolCall} from './tools.ts';

export interface LanguageModelCreateOptions extends LanguageModelCreateCoreOptions, CreateOptions {
  /** The beginning of every conversation; never left out. */
  initialPrompts?: readonly LanguageModelMessage[];
}

export interface LanguageModelPromptOptions {
  /** JSON Schema or RegExp that the answer follows. */
  responseConstraint?: object;
  /** Do not tell the model about the constraint. */
  omitResponseConstraintInput?: boolean;
  signal?: AbortSignal;
}

/** What `prompt()` gives where the model called tools. */
export type LanguageModelAnswerContent =
  | {type: 'text'; value: string}
  | {type: 'tool-call'; value: LanguageModelToolCall};

/** Names the page's model. */
export type LanguageModelConfiguration = ModelConfiguration & {
  /**
   * `params()`, `topK`, `temperature`, and the older names `inputUsage`, `inputQuota`, `measureInputUsage`, `onquotaoverflow`, as
   * Chrome's extensions have them.
   */
  experimental?: boolean;
};

interface Parts {
  session: Session;
  options: CheckedOptions;
  source: ModelSource;
}

/** Only this file can make one. */
const KEY = Symbol('made by create()');

let experimental = false;
let optionsOf: (model: LanguageModel) => CheckedOptions;

/** A conversation with the page's model. Made by `LanguageModel.create()`. */
export class LanguageModel extends EventTarget {
  readonly #session: Session;
  readonly #options: CheckedOptions;
  readonly #source: ModelSource;
  readonly #destroyed = new AbortController();
  readonly #overflow = new EventHandler(this, 'contextoverflow');

  static {
    optionsOf = (model) => model.#options;
  }

  constructor(key: typeof KEY, parts: Parts) {
    super();
    if (key !== KEY) throw new TypeError('Illegal constructor: call LanguageModel.create()');
    this.#session = parts.session;
    this.#options = parts.options;
    this.#source = parts.source;
  }

  /** Whether a session with these options can be made: at once, after a download, or not. @throws TypeError, RangeError */
  static async availability(options?: LanguageModelCreateCoreOptions): Promise<Availability> {
    checkActive();
    const {availability} = checkCreateOptions(options, experimental, false);
    if (availability === 'unavailable') return availability;
    return (await pageModel()?.availability()) ?? 'unavailable';
  }

  /**
   * Begins a conversation; loads the model where no other has.
   * @throws NotSupportedError, NotAllowedError, NetworkError, OperationError, QuotaExceededError, InvalidStateError, TypeError,
   *   RangeError, SyntaxError, the reason of `signal`
   */
  static async create(options?: LanguageModelCreateOptions): Promise<LanguageModel> {
    checkActive();
    const {signal, monitor} = dictionary<LanguageModelCreateOptions>(options, 'options');
    const checked = checkCreateOptions(options, experimental, true);
    if (monitor !== undefined && typeof monitor !== 'function') throw new TypeError('monitor is not a function');
    const source = pageModel();
    const made = await createModel({signal, monitor}, source, checked.availability, async (client, stop) => {
      const session = await Session.open(client, checked.settings, stop);
      const model = new LanguageModel(KEY, {session, options: checked, source: source as ModelSource});
      return {model, end: (reason: unknown) => model.#end(reason)};
    });
    return made.model;
  }

  /** Tokens of the conversation so far. */
  get contextUsage(): number {
    return this.#session.usage;
  }

  /** Tokens that a conversation may have. */
  get contextWindow(): number {
    return this.#session.window;
  }

  /** Null where topK and temperature were given. */
  get samplingMode(): LanguageModelSamplingMode | null {
    return this.#options.samplingMode;
  }

  /** The oldest messages were left out, because the conversation had outgrown the context. */
  get oncontextoverflow(): ((event: Event) => unknown) | null {
    return this.#overflow.value;
  }

  set oncontextoverflow(handler: ((event: Event) => unknown) | null) {
    this.#overflow.value = handler;
  }

  /**
   * The model's answer: a text, or a list of texts and tool calls where it calls tools that have no `execute`.
   * @throws NotSupportedError, QuotaExceededError, TypeError, SyntaxError, DataError, UnknownError, the reason of `signal`; AbortError after `destroy()`
   */
  async prompt(input: LanguageModelPrompt, options?: LanguageModelPromptOptions): Promise<string>;
  async prompt(...given: [LanguageModelPrompt, LanguageModelPromptOptions?]): Promise<unknown> {
    const {messages, responseFormat, signal} = this.#asked(given);
    const parts: AnswerPart[] = [];
    await this.#run([signal], (both) => {
      return this.#session.prompt(messages, {...this.#ask(both), responseFormat, emit: (part) => parts.push(part)});
    });
    const text = parts.map(({type, value}) => (type === 'text' ? value : '')).join('');
    const calls = parts.filter(({type}) => type === 'tool-call').map(content);
    if (calls.length === 0) return text;
    return text === '' ? calls : [{type: 'text', value: text}, ...calls];
  }

  /** The answer as it comes: pieces of text; where tools may be called, the objects that `prompt()` gives. */
  promptStreaming(input: LanguageModelPrompt, options?: LanguageModelPromptOptions): ReadableStream<string>;
  promptStreaming(...given: [LanguageModelPrompt, LanguageModelPromptOptions?]): ReadableStream<unknown> {
    checkActive();
    this.#destroyed.signal.throwIfAborted();
    const {signal} = dictionary<LanguageModelPromptOptions>(given[1], 'options');
    abortSignal(signal)?.throwIfAborted();
    const left = new AbortController();
    const structured = this.#options.settings.tools.definitions.length > this.#options.settings.tools.execute.size;
    return new ReadableStream<unknown>({
      start: (stream) => {
        const run = async (): Promise<void> => {
          const {messages, responseFormat} = this.#asked(given);
          const emit = (part: AnswerPart): void => stream.enqueue(structured ? content(part) : part.value);
          await this.#run([signal, left.signal], (both) =>
            this.#session.prompt(messages, {...this.#ask(both), responseFormat, emit: unless(both, emit)}),
          );
        };
        run().then(
          () => stream.close(),
          (error) => left.signal.aborted || stream.error(error),
        );
      },
      cancel: () => left.abort(),
    });
  }

  /** Adds messages without an answer, and has the model read them now. */
  async append(input: LanguageModelPrompt, options?: {signal?: AbortSignal}): Promise<undefined>;
  async append(...given: [LanguageModelPrompt, {signal?: AbortSignal}?]): Promise<undefined> {
    const {messages, signal} = this.#asked(given);
    if (messages.at(-1)?.prefix) throw exception('SyntaxError', 'a prefix is for prompts');
    await this.#run([signal], (both) => this.#session.append(messages, this.#ask(both)));
    return undefined;
  }

  /** Tokens that a prompt would take. */
  async measureContextUsage(input: LanguageModelPrompt, options?: LanguageModelPromptOptions): Promise<number>;
  async measureContextUsage(...given: [LanguageModelPrompt, LanguageModelPromptOptions?]): Promise<number> {
    const {messages, signal} = this.#asked(given);
    return this.#run([signal], () => this.#session.measure(messages));
  }

  /** The same conversation once more; the two go on apart. What it has in common with this one is kept once. */
  async clone(options?: {signal?: AbortSignal}): Promise<LanguageModel> {
    checkActive();
    const signal = abortSignal(dictionary<{signal?: AbortSignal}>(options, 'options').signal);
    return this.#run([signal], async () => {
      const session = this.#session.clone();
      await nextTask();
      signal?.throwIfAborted();
      this.#source.retain();
      return new LanguageModel(KEY, {session, options: this.#options, source: this.#source});
    });
  }

  /** Ends the session: what is pending and what is asked later rejects with an AbortError. Idempotent. */
  destroy(): void {
    this.#end(exception('AbortError', 'the session was destroyed'));
  }

  #end(reason: unknown): void {
    if (this.#destroyed.signal.aborted) return;
    this.#destroyed.abort(reason);
    this.#source.release();
  }

  #ask(signal: AbortSignal): Pick<Ask, 'signal' | 'onOverflow'> {
    return {
      signal,
      onOverflow: () => {
        for (const type of experimental ? ['contextoverflow', 'quotaoverflow'] : ['contextoverflow']) {
          this.dispatchEvent(new Event(type));
        }
      },
    };
  }

  /** Arguments of a method that takes a prompt. */
  #asked(given: readonly unknown[]) {
    checkActive();
    if (given.length === 0) throw new TypeError('1 argument required, but only 0 present');
    const options = dictionary<LanguageModelPromptOptions>(given[1], 'options');
    const signal = abortSignal(options.signal);
    for (const each of [this.#destroyed.signal, signal]) each?.throwIfAborted();
    let messages: Message[] = canonicalPrompt(given[0], this.#options.expected);
    const {responseConstraint: constraint, omitResponseConstraintInput: omit} = options;
    if (constraint === undefined && omit) throw new TypeError('omitResponseConstraintInput without responseConstraint');
    const asked = constraint === undefined ? undefined : responseConstraint(constraint);
    if (asked && !omit) messages = toldOf(messages, asked.instruction);
    return {messages, signal, responseFormat: asked?.format};
  }

  /** Until it is done, aborted or the session is destroyed. */
  #run<T>(signals: readonly (AbortSignal | undefined)[], work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const all = [this.#destroyed.signal, ...signals].filter((signal) => signal !== undefined);
    return unlessAborted(all, () => work(AbortSignal.any(all)));
  }
}

/**
 * Names the page's model, for sessions and for the task interfaces. Loads nothing.
 * @param load what loads the client; for tests
 */
export function configure(
  {experimental: more, ...configuration}: LanguageModelConfiguration,
  load?: ClientLoader,
): void {
  setPageModel(modelSource(configuration as ModelConfiguration, load));
  experimental = more ?? false;
  if (experimental) defineExperimental();
}

/** What Chrome has for extensions only, on the class and on all its objects. */
function defineExperimental(): void {
  const attribute = (read: (model: LanguageModel) => unknown): PropertyDescriptor => ({
    get(this: LanguageModel) {
      return read(this);
    },
    configurable: true,
    enumerable: true,
  });
  const handlers = new WeakMap<LanguageModel, EventHandler>();
  Object.defineProperty(LanguageModel, 'params', {value: async () => PARAMS, configurable: true, writable: true});
  Object.defineProperties(LanguageModel.prototype, {
    topK: attribute((model) => optionsOf(model).topK),
    temperature: attribute((model) => optionsOf(model).temperature),
    inputUsage: attribute((model) => model.contextUsage),
    inputQuota: attribute((model) => model.contextWindow),
    onquotaoverflow: {
      ...attribute((model) => handlers.get(model)?.value ?? null),
      set(this: LanguageModel, handler: unknown) {
        const known = handlers.get(this) ?? new EventHandler(this, 'quotaoverflow');
        handlers.set(this, known);
        known.value = handler;
      },
    },
    measureInputUsage: {value: LanguageModel.prototype.measureContextUsage, configurable: true, writable: true},
  });
}

/** The messages, with an instruction at the end of the last one that is the user's. */
function toldOf(messages: readonly Message[], instruction: ResponseConstraint['instruction']): Message[] {
  const at = messages.findLastIndex(({role}) => role === 'user');
  if (at < 0) return [...messages, textMessage('user', instruction)];
  const text = [messages[at].text, instruction].filter(Boolean).join('\n\n');
  return messages.with(at, {...messages[at], text});
}

/** Says nothing any more after an abort. */
function unless(signal: AbortSignal, emit: Ask['emit']): Ask['emit'] {
  return (part) => {
    if (!signal.aborted) emit(part);
  };
}

function content(part: AnswerPart): LanguageModelAnswerContent {
  return part.type === 'text' ? part : {type: 'tool-call', value: new LanguageModelToolCall(part.value)};
}

/** What Chrome has for extensions only. */
export interface LanguageModelExperimental {
  readonly topK: number;
  readonly temperature: number;
  readonly inputUsage: number;
  readonly inputQuota: number;
  onquotaoverflow: ((event: Event) => unknown) | null;
  measureInputUsage(input: LanguageModelPrompt, options?: LanguageModelPromptOptions): Promise<number>;
}
