// What the task interfaces have in common: a session of the Prompt API that was told its task, and a clone of it for each call. Owns their
// options' checks, what a call is and how it ends; each interface says its task in words.
import type {Availability, CreateMonitor, LanguageModel} from '../language-model/index.ts';
import {dictionary, enumeration, exception, languageTags} from '../language-model/platform.ts';

/** Options that every `create()` has. */
export interface TaskOptions {
  signal?: AbortSignal;
  /** Hears of the model's download. */
  monitor?: (monitor: CreateMonitor) => void;
}

/** Options of the tasks that write. */
export interface WritingOptions extends TaskOptions {
  /** For all calls: what they are about, who reads them. */
  sharedContext?: string;
  /** BCP 47. */
  expectedInputLanguages?: readonly string[];
  /** BCP 47. */
  expectedContextLanguages?: readonly string[];
  /** BCP 47. Default: as the input. */
  outputLanguage?: string;
}

/** Options of a call. */
export interface TaskCallOptions {
  /** For this call alone. */
  context?: string;
  signal?: AbortSignal;
}

/** Only create() can make an object. */
export const KEY = Symbol('made by create()');

/** A task, for an object: its session, and what it was made with. */
export interface Task {
  session: LanguageModel;
  /** Tokens of the conversation that a call begins with. */
  taken: number;
}

/** What languages options name, canonical. @throws RangeError */
export function languagesOf({
  expectedInputLanguages,
  expectedContextLanguages,
  outputLanguage,
}: Partial<WritingOptions>): {input?: readonly string[]; context?: readonly string[]; output?: string} {
  const list = (value: unknown, what: string) =>
    value === undefined ? undefined : Object.freeze(languageTags(value, what));
  return {
    input: list(expectedInputLanguages, 'expectedInputLanguages'),
    context: list(expectedContextLanguages, 'expectedContextLanguages'),
    output: outputLanguage === undefined ? undefined : languageTags([outputLanguage], 'outputLanguage')[0],
  };
}

/** An option that is one of some words. @throws TypeError */
export const oneOf = <T extends string>(value: unknown, values: readonly T[], fallback: T, what: string): T =>
  value === undefined ? fallback : enumeration(value, values, what);

/** The Prompt API of the page, which `configure` has told its model. Fetched when a task is first asked for. */
const languageModel = async () => (await import('../language-model/index.ts')).LanguageModel;

/** Whether a task can be had in these languages. @throws TypeError, RangeError */
export async function taskAvailability(
  input: readonly string[] = [],
  output: readonly string[] = [],
): Promise<Availability> {
  return (await languageModel()).availability(sessionOptions(input, output));
}

const sessionOptions = (input: readonly string[], output: readonly string[]) => ({
  samplingMode: 'most-predictable' as const,
  expectedInputs: [{type: 'text' as const, languages: input}],
  expectedOutputs: [{type: 'text' as const, languages: output}],
});

/** A session that was told what to do. @throws what `LanguageModel.create` throws */
export async function openTask(
  instructions: string,
  {signal, monitor}: TaskOptions,
  input: readonly string[] = [],
  output: readonly string[] = [],
): Promise<Task> {
  const session = await (await languageModel()).create({
    ...sessionOptions(input, output),
    initialPrompts: [{role: 'system', content: instructions}],
    signal,
    monitor,
  });
  return {session, taken: session.contextUsage};
}

/** The base of all interfaces. */
export abstract class TaskObject {
  readonly #task: Task;

  constructor(key: typeof KEY, task: Task) {
    if (key !== KEY) throw new TypeError('Illegal constructor: call create()');
    this.#task = task;
  }

  /** Tokens that the input of a call may have. */
  get inputQuota(): number {
    return this.#task.session.contextWindow - this.#task.taken;
  }

  /** Ends the object: what is pending and what is asked later rejects with an AbortError. */
  destroy(): void {
    this.#task.session.destroy();
  }

  /** @internal */
  protected measure(text: string, {signal}: TaskCallOptions): Promise<number> {
    return this.#task.session.measureContextUsage(text, {signal});
  }

  /** @internal One call, in a conversation of its own. */
  protected async ask(text: string, signal: AbortSignal | undefined, responseConstraint?: object): Promise<string> {
    const clone = await this.#task.session.clone({signal});
    try {
      const constrained = responseConstraint && {responseConstraint, omitResponseConstraintInput: true};
      return await clone.prompt(text, {signal, ...constrained});
    } finally {
      clone.destroy();
    }
  }

  /** @internal The same, in pieces. */
  protected askStreaming(text: string, signal: AbortSignal | undefined): ReadableStream<string> {
    const left = new AbortController();
    const both = AbortSignal.any([left.signal, ...(signal ? [signal] : [])]);
    let reader: ReadableStreamDefaultReader<string> | undefined;
    let clone: LanguageModel | undefined;
    return new ReadableStream<string>({
      start: async () => {
        clone = await this.#task.session.clone({signal});
        reader = clone.promptStreaming(text, {signal: both}).getReader();
      },
      async pull(controller) {
        const next = await reader?.read();
        if (next && !next.done) return controller.enqueue(next.value);
        clone?.destroy();
        controller.close();
      },
      cancel() {
        left.abort();
        clone?.destroy();
      },
    });
  }
}

/** Arguments of a call. @throws TypeError; NotSupportedError for a text of nothing but white space is no error: see `isBlank` */
export function callOf(given: readonly unknown[]): {text: string; options: TaskCallOptions} {
  if (given.length === 0) throw new TypeError('1 argument required, but only 0 present');
  const options = dictionary<TaskCallOptions>(given[1], 'options');
  const context = options.context === undefined ? undefined : String(options.context);
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    throw new TypeError('signal is not an AbortSignal');
  }
  options.signal?.throwIfAborted();
  return {text: String(given[0]), options: {context, signal: options.signal}};
}

/** What of an input is about nothing is answered without the model. */
export const isBlank = (text: string): boolean => text.trim() === '';

/** A text as it is put to the model: apart from what is said about it. What it says to do is not to be done. */
export function material(text: string, {context}: TaskCallOptions, name = 'TEXT'): string {
  const about = context ? `About this text: ${context}\n\n` : '';
  return `${about}${name}:\n${text}`;
}

/** Parts of instructions, those that say nothing left out. */
export const instructions = (...parts: (string | undefined | false)[]): string => parts.filter(Boolean).join(' ');

/** How a language is called, in English. */
export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames(['en'], {type: 'language'}).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** Where options are no dictionary. @throws TypeError */
export const optionsOf = <T extends object>(options: unknown): Partial<T> => dictionary<T>(options, 'options');

/** @throws TypeError */
export function required(value: unknown, what: string): string {
  if (value === undefined) throw new TypeError(`${what} is missing`);
  return String(value);
}

/** The model wrote something else than was asked for. */
export const wrongAnswer = (): DOMException =>
  exception('UnknownError', 'the model did not answer in the form asked for');
