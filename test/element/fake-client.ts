// A GemmaClient whose loading and answers a test moves on step by step. No worker, no model, no time.
import type {GemmaClient, InspectOptions, RequestProgress} from '../../src/client/index.ts';
import {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import type {ModelQuestions} from '../../src/element/model/model-offer.ts';
import type {ClientOptions} from '../../src/element/model/model-session.ts';
import {GemmaError} from '../../src/errors.ts';
import type {ChatMessage, FinishReason, LoadProgress, ModelInspection, Usage} from '../../src/protocol/messages.ts';

const MODEL = {
  architecture: 'gemma4',
  name: 'Fake Gemma',
  quantization: 'Q4_0',
  contextLength: 512,
  trainedContextLength: 512,
  template: 'file',
  looksPretrained: false,
  chatProblem: null,
  capabilities: {thinking: true, tools: true},
  vocabSize: 1024,
  parameters: 1000,
  fileSize: 2000,
};

/** Tokens of an answer, none of them cached or thought. */
export function usageOf(prompt_tokens: number, completion_tokens: number): Usage {
  return {
    ...{prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens, cached_tokens: 0},
    prompt_tokens_details: {cached_tokens: 0},
    completion_tokens_details: {reasoning_tokens: 0},
  };
}

export interface ChatCall extends Record<string, unknown> {
  messages: ChatMessage[];
  signal: AbortSignal;
  onProgress: (progress: RequestProgress) => void;
}

interface Delta {
  content?: string;
  reasoning_content?: string;
  tool_calls?: unknown[];
}

/** One answer in the making, as the worker would send it. */
export class FakeAnswer {
  readonly #queue: (() => IteratorResult<unknown>)[] = [];
  #wake = () => {};

  constructor(readonly call: ChatCall) {
    call.signal.addEventListener('abort', () => this.end('abort'));
  }

  text(content: string): this {
    return this.#push({content}, null);
  }

  callTool(name: string, args: unknown, id = `call_${name}`): this {
    const call = {index: 0, id, type: 'function', function: {name, arguments: JSON.stringify(args)}};
    return this.#push({tool_calls: [call]}, null);
  }

  think(reasoning_content: string): this {
    return this.#push({reasoning_content}, null);
  }

  end(reason: FinishReason = 'stop', usage?: Usage): this {
    this.#push({}, reason, usage);
    return this.#add(() => ({done: true, value: undefined}));
  }

  fail(error: GemmaError): this {
    return this.#add(() => {
      throw error;
    });
  }

  #push(delta: Delta, finish_reason: FinishReason | null, usage?: Usage): this {
    return this.#add(() => ({done: false, value: {choices: [{index: 0, delta, finish_reason}], usage}}));
  }

  #add(step: () => IteratorResult<unknown>): this {
    this.#queue.push(step);
    this.#wake();
    return this;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    for (;;) {
      while (this.#queue.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      const {done, value} = this.#queue.shift()!();
      if (done) return;
      yield value;
    }
  }
}

async function* textChunks(answer: FakeAnswer): AsyncGenerator<unknown> {
  for await (const chunk of answer) {
    const {choices, usage} = chunk as {choices: {delta: Delta; finish_reason: FinishReason | null}[]; usage?: Usage};
    yield {choices: choices.map(({delta, finish_reason}) => ({text: delta.content ?? '', finish_reason})), usage};
  }
}

export class FakeClient {
  readonly model = MODEL;
  readonly answers: FakeAnswer[] = [];
  closed = false;
  /** Tells the element that the client is of no more use. */
  lose: (error: GemmaError) => void = () => {};
  readonly lost = new Promise<GemmaError>((resolve) => {
    this.lose = resolve;
  });

  readonly chat = {
    completions: {
      create: async (call: ChatCall) => {
        const answer = new FakeAnswer(call);
        this.answers.push(answer);
        return answer;
      },
    },
  };

  /** Plain text: a text's chunks have its words, as a chat's. */
  readonly completions = {
    create: async (call: ChatCall) => {
      const answer = new FakeAnswer(call);
      this.answers.push(answer);
      return textChunks(answer);
    },
  };

  /** Adapters that were loaded and not unloaded: their addresses, which are their ids. */
  readonly loadedAdapters: string[] = [];
  readonly adapters = {
    load: async ({src}: {src: string}) => {
      this.loadedAdapters.push(src);
      return {id: src};
    },
    unload: async (id: string) => void this.loadedAdapters.splice(this.loadedAdapters.indexOf(id), 1),
  };

  readonly shared = true;

  async applyTemplate(messages: readonly ChatMessage[]): Promise<string> {
    return messages.map(({role, content}) => `<${role}> ${content}`).join(' ');
  }

  async tokenize(text: string): Promise<number[]> {
    return Array.from(text.split(/\s+/), (_, i) => i);
  }

  stats(): Promise<never> {
    return Promise.reject(new Error('a fake has no worker'));
  }

  close(): void {
    this.closed = true;
  }

  /** The fake in the real one's place: the element only touches what is here. */
  asClient(): GemmaClient {
    return this as unknown as GemmaClient;
  }

  get lastAnswer(): FakeAnswer {
    return this.answers.at(-1)!;
  }
}

/** One call of `GemmaClient.load`, waiting for the test. */
export class FakeLoad {
  readonly client = new FakeClient();
  readonly promise: Promise<GemmaClient>;
  #resolve: (client: GemmaClient) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(readonly options: ClientOptions) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    options.signal.addEventListener('abort', () => this.#reject(options.signal.reason));
  }

  progress(phase: LoadProgress['phase'], fraction: number, more: Partial<LoadProgress> = {}): this {
    this.options.onProgress({phase, fraction, loadedBytes: fraction * 2000, totalBytes: 2000, ...more});
    return this;
  }

  done(): this {
    this.#resolve(this.client.asClient());
    return this;
  }

  fail(error: unknown): this {
    this.#reject(error);
    return this;
  }
}

/** What an inspection finds, with what a test wants otherwise. */
export function inspection(found: Partial<ModelInspection> = {}): ModelInspection {
  return {
    name: 'Fake Gemma',
    architecture: 'gemma4',
    size: 2_000_000_000,
    storedBytes: 0,
    storedIds: [],
    storage: 'opfs',
    loaded: false,
    online: true,
    resumable: true,
    looksPretrained: false,
    license: {name: null, link: null},
    memory: {weightBytes: 2_000_000_000, contextBytes: null},
    freeBytes: null,
    removable: [],
    problem: null,
    ...found,
  };
}

/** Questions about models, answered with `found` (null: they fail); what was asked and removed. */
export function fakeQuestions(found: () => ModelInspection | null) {
  const asked: InspectOptions[] = [];
  const removed: string[] = [];
  const questions: ModelQuestions = {
    async inspect(options) {
      asked.push(options);
      const answer = found();
      if (!answer) throw new GemmaError('http-status', 'the server answered 404');
      return answer;
    },
    async remove(id) {
      removed.push(id);
    },
  };
  GemmaChatElement.questions = questions;
  return {asked, removed, questions};
}

/**
 * Puts fakes in the place of `GemmaClient.load` for every element; the list grows with each load. Nothing can be learnt
 * of a model beforehand.
 */
export function fakeLoads(): FakeLoad[] {
  fakeQuestions(() => null);
  localStorage.removeItem('gemma-chat-consent');
  const loads: FakeLoad[] = [];
  GemmaChatElement.loadClient = (options) => {
    const load = new FakeLoad(options);
    loads.push(load);
    return load.promise;
  };
  return loads;
}
