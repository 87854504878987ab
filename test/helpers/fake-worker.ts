// A worker without a thread and a page without a browser: the real client and the real sessions, over real
// MessageChannels, round a fake engine.
import {setImmediate} from 'node:timers';
import type {Platform} from '../../src/client/connect.ts';
import {GemmaClient, type LoadOptions} from '../../src/client/gemma-client.ts';
import type {GemmaError} from '../../src/errors.ts';
import type {Attention, ModelInfo, ModelRef} from '../../src/protocol/messages.ts';
import {createModelStore} from '../../src/store/create-model-store.ts';
import type {ModelStore} from '../../src/store/model-store.ts';
import type {Tokenizer} from '../../src/tokenizer/tokenizer.ts';
import {EncoderHost} from '../../src/worker/encoder-host.ts';
import {KnowledgeHost} from '../../src/worker/knowledge-host.ts';
import type {LoadOptions as HostOptions, LoadedModel} from '../../src/worker/loaded-model.ts';
import {type HostClock, ModelHost} from '../../src/worker/model-host.ts';
import {ModelLibrary} from '../../src/worker/model-library.ts';
import {type Session, serve} from '../../src/worker/serve.ts';
import {serveTabs} from '../../src/worker/serve-tabs.ts';
import type {OpenTraining} from '../../src/worker/training-host.ts';
import type {WorkerContext} from '../../src/worker/worker-context.ts';
import {createTemplate} from './chat-template.ts';
import {FakeEngine, type FakeEngineOptions, tinyTokenizer, VOCAB_SIZE} from './fake-engine.ts';

/** Web Locks of one origin. `kill` releases what a holder that died held. */
export class FakeLocks {
  readonly #queues = new Map<string, {start: () => void}[]>();
  readonly #release = new Map<string, () => void>();

  request(
    name: string,
    options: {signal?: AbortSignal; ifAvailable?: boolean},
    held: (lock?: unknown) => unknown,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const queue = this.#queues.get(name) ?? [];
      if (options.ifAvailable && queue.length > 0) return resolve(held(null));
      this.#queues.set(name, queue);
      const entry = {
        start: () => {
          const killed = new Promise<void>((release) => this.#release.set(name, release));
          Promise.race([Promise.resolve(held()), killed])
            .finally(() => {
              queue.shift();
              queue[0]?.start();
            })
            .then(resolve, reject);
        },
      };
      options.signal?.addEventListener('abort', () => {
        const at = queue.indexOf(entry);
        if (at > 0) queue.splice(at, 1);
        reject(options.signal?.reason);
      });
      queue.push(entry);
      if (queue.length === 1) entry.start();
    });
  }

  /** Names of locks that are held and match. */
  held(prefix: string): string[] {
    return [...this.#queues]
      .filter(([name, queue]) => name.startsWith(prefix) && queue.length > 0)
      .map(([name]) => name);
  }

  kill(name: string): void {
    this.#release.get(name)?.();
  }
}

/** Gemma 4's own form, which knows tools; the tiny file's template does not. */
const builtIn = {chatTemplate: null, idOf: (text: string) => tinyTokenizer().idOf(text)} as Tokenizer;

export interface FakeModel extends LoadedModel {
  engine: FakeEngine;
  lose(error?: GemmaError): void;
}

export function fakeModel(options: FakeEngineOptions = {}): FakeModel {
  const engine = new FakeEngine(options);
  const info: ModelInfo = {
    architecture: 'gemma4',
    name: 'Fake',
    quantization: 'Q4_K',
    contextLength: engine.contextLength,
    trainedContextLength: 1024,
    template: 'file',
    looksPretrained: false,
    chatProblem: null,
    capabilities: {thinking: true, tools: true},
    vocabSize: VOCAB_SIZE,
    parameters: 1,
    fileSize: 1000,
  };
  return {
    info,
    engine,
    tokenizer: tinyTokenizer(),
    adapter: {vendor: 'fake', architecture: '', device: '', description: '', features: []},
    lose: engine.lose,
    template: () => createTemplate(builtIn),
    destroy: () => engine.destroy(),
  };
}

export interface FakeWorkerOptions extends FakeEngineOptions {
  webgpu?: boolean;
  locks?: FakeLocks | undefined;
  /** In place of an immediate load. */
  load?: (ref: ModelRef, options: HostOptions) => Promise<LoadedModel>;
  store?: ModelStore;
  /** Opens an index of a site's pages. */
  openIndex?: ConstructorParameters<typeof KnowledgeHost>[0];
  loadEncoder?: ConstructorParameters<typeof EncoderHost>[1];
  clock?: HostClock;
  openTraining?: OpenTraining;
}

/** A clock that waits for nothing. */
export function impatient(): HostClock {
  return {
    now: () => performance.now(),
    every: () => () => {},
    after(_ms, then) {
      setImmediate(then);
      return () => {};
    },
  };
}

/** A worker's end of a port. Once the worker or the page is dead, nothing comes from it any more, and nothing is said of it. */
class FakePort {
  readonly #port: MessagePort;
  #silent = false;
  /** What the client said hello with. */
  lock: string | null = null;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  silence(): void {
    this.#silent = true;
  }

  postMessage(message: unknown): void {
    if (!this.#silent) this.#port.postMessage(message);
  }

  addEventListener(type: string, listener: (event: {data?: unknown}) => void): void {
    this.#port.addEventListener(type as 'message', (event) => {
      if (event.data?.type === 'hello') this.lock = event.data.lock;
      if (!this.#silent) listener(event);
    });
  }

  start(): void {
    this.#port.start();
  }

  close(): void {
    this.#port.close();
  }
}

/** How often tests look whether a worker or a page lives. */
export const BEAT_MS = 20;

export class FakeWorker {
  readonly models: FakeModel[] = [];
  readonly locks: FakeLocks | undefined;
  readonly context: WorkerContext;
  readonly #name = `gemma-chat-worker-${Math.random()}`;
  readonly #ports: {close(): void; lock?: string | null; silence?(): void}[] = [];
  hangs = false;
  #reachable = true;
  #hosted: string | null = null;

  constructor(options: FakeWorkerOptions = {}) {
    this.locks = 'locks' in options ? options.locks : new FakeLocks();
    const load = async (_ref: ModelRef, {contextLength}: HostOptions) => {
      const model = fakeModel({...options, ...(contextLength !== undefined && {contextLength})});
      this.models.push(model);
      return model;
    };
    this.context = {
      host: new ModelHost(options.load ?? load, options.clock, options.openTraining),
      knowledge: new KnowledgeHost(options.openIndex),
      encoders: new EncoderHost(Promise.resolve(options.store ?? createModelStore({})), options.loadEncoder, 100),
      library: new ModelLibrary(async () => options.store ?? createModelStore({}), undefined),
      locks: this.locks,
      lock: Promise.resolve(this.locks ? this.#name : null),
      webgpu: options.webgpu ?? true,
      sessions: new Set<Session>(),
      beatMs: BEAT_MS,
    };
    this.locks?.request(this.#name, {}, () => new Promise(() => {}));
  }

  get engine(): FakeEngine {
    return this.models[this.models.length - 1].engine;
  }

  /** Dies as a crashed process does: without a word. */
  crash(): void {
    this.hang();
    this.locks?.kill(this.#name);
  }

  /** Neither answers nor ends: its lock stays held. */
  hang(): void {
    this.hangs = true;
    for (const port of this.#ports) port.silence?.();
  }

  /** Ends as a process that is killed does: nothing is heard from it any more, and its lock is free. */
  stop(): void {
    for (const session of this.context.sessions) session.close();
    for (const port of this.#ports) port.close();
    this.crash();
    if (this.#hosted !== null) this.locks?.kill(this.#hosted);
  }

  /** Serves all tabs, as the worker of the elected one. */
  host(name: string): void {
    const ports = this.#ports;
    this.#hosted = `${name} worker`;
    serveTabs(
      name,
      this.context,
      class extends Channel {
        constructor(name: string) {
          super(name);
          ports.push(this);
        }
        silence(): void {
          this.close();
        }
      },
    );
  }

  /** A client's process ends: its lock is free, and no one looks for another worker. */
  kill(lock: string): void {
    this.#reachable = false;
    for (const port of this.#ports) if (port.lock === lock) port.silence?.();
    this.locks?.kill(lock);
  }

  connect(): MessagePort {
    if (!this.#reachable) throw new Error('a dead client connects to nothing');
    const {port1, port2} = new MessageChannel();
    const port = new FakePort(port2);
    ports.push(port1, port2);
    this.#ports.push(port);
    serve(port, this.context);
    return port1;
  }

  platform(): Platform & {leave(): void} {
    const connect = () => this.connect();
    let leave = (): void => {};
    return {
      origin: 'https://site.example',
      baseUrl: 'https://site.example/page/',
      locks: this.locks,
      beatMs: BEAT_MS,
      SharedWorker: class extends EventTarget {
        readonly port = connect();
      },
      onPageGone(listener) {
        leave = listener;
        return () => {};
      },
      leave: () => leave(),
    };
  }

  load(options: Partial<LoadOptions> = {}, attention?: Attention): Promise<GemmaClient> {
    const platform: Platform = this.platform();
    if (attention) {
      platform.onAttention = (listener) => {
        listener(attention);
        return () => {};
      };
    }
    return GemmaClient.load({modelSrc: 'model.gguf', workerSrc: '/gemma-chat.worker.js', ...options}, platform);
  }
}

const ports: {close(): void}[] = [];

/** One that is closed after the test, as ports are. */
export class Channel extends BroadcastChannel {
  constructor(name: string) {
    super(name);
    ports.push(this);
  }
}

/** Open ports keep Node alive. */
export function closePorts(): void {
  for (const port of ports.splice(0)) port.close();
}

/** Until tasks that are under way (messages, steps) have come this far. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** What a promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<Error & {code?: string}> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected a rejection');
}
