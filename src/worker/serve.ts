// One session a port: answers one client's requests until the client is gone. Knows the messages; what they do is the
// host's, the scheduler's and chat/'s.
import {generate} from '../chat/generate.ts';
import {endsInThought} from '../chat/output-parser.ts';
import {renderToTextInPieces} from '../chat/template.ts';
import {GemmaError, isAbort} from '../errors.ts';
import {Endpoint, type PortLike} from '../protocol/endpoint.ts';
import {
  type Attention,
  type GenerationEvent,
  type ModelInspection,
  PROTOCOL_VERSION,
  type Reply,
  type Request,
  type Results,
} from '../protocol/messages.ts';
import {type BadRequest, parseRequest} from '../protocol/parse-request.ts';
import {wireError} from '../protocol/wire-error.ts';
import {inSlices, type Pieces} from '../tokenizer/pieces.ts';
import {constraintOf} from './answer-forms.ts';
import {Liveness} from './liveness.ts';
import type {Instance, ModelUser} from './model-host.ts';
import {chatGeneration, completionGeneration} from './requests.ts';
import type {Job} from './scheduled-request.ts';
import {workerStats} from './stats.ts';
import type {WorkerContext} from './worker-context.ts';

/** Requests of one client that may be under way at a time: what comes beyond them is refused. */
const MAX_REQUESTS = 256;

type Answer = {[K in keyof Results]: Extract<Request, {type: K}>}[keyof Results];
type Generate = Extract<Request, {type: 'chat' | 'completion'}>;

/** Answers one client over its port, until it is gone. */
export function serve(port: PortLike, context: WorkerContext): Session {
  return new Session(port, context);
}

/** One client of the worker. */
export class Session implements ModelUser {
  readonly #context: WorkerContext;
  readonly #endpoint: Endpoint<Reply, Request | BadRequest>;
  readonly #running = new Map<number, AbortController>();
  readonly #liveness: Liveness;
  #instance: Instance | null = null;
  #closed = false;
  #watched = false;
  #attention: Attention = 'visible';

  constructor(port: PortLike, context: WorkerContext) {
    this.#context = context;
    context.sessions.add(this);
    this.#endpoint = new Endpoint(port, {
      parse: parseRequest,
      receive: (request) => this.#receive(request),
      closed: () => this.close(),
    });
    const contact = {ping: () => this.#endpoint.post({type: 'ping'}), gone: () => this.#leave()};
    this.#liveness = new Liveness(contact, context.beatMs);
  }

  /** Whether anyone looks at the client. */
  get attention(): Attention {
    return this.#attention;
  }

  /** The client is gone: nothing is kept or computed for it. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#liveness.end();
    // First: a page that has left this worker must not take an answer's abort for its end.
    this.#endpoint.close();
    const reason = new DOMException('the client is gone', 'AbortError');
    for (const running of this.#running.values()) running.abort(reason);
    this.#context.sessions.delete(this);
    this.#context.host.release(this);
  }

  /** Should the page be there after all, it looks for a worker again. */
  #leave(): void {
    const error = new GemmaError('worker-failed', 'the page did not answer');
    this.#endpoint.post({type: 'fatal', error: wireError(error)});
    this.close();
  }

  lost(error: GemmaError): void {
    this.#instance = null;
    this.#endpoint.post({type: 'fatal', error: wireError(error)});
    for (const running of this.#running.values()) running.abort(error);
  }

  #receive(request: Request | BadRequest): void {
    this.#liveness.heard();
    if (request.type === 'pong') return;
    if (request.type === 'bad') this.#fail(request.id, request.error);
    else if (request.type === 'bye') this.close();
    else if (request.type === 'attention') this.#attention = request.attention;
    else if (request.type === 'abort') {
      this.#running.get(request.id)?.abort(new DOMException('the client stopped it', 'AbortError'));
    } else this.#begin(request);
  }

  #begin(request: Generate | Answer): void {
    const {id} = request;
    if (this.#running.has(id)) return; // its answer is under way
    if (this.#running.size >= MAX_REQUESTS) {
      const error = `${MAX_REQUESTS} requests are under way; wait until some have ended`;
      this.#fail(id, new GemmaError('option-invalid', error, {detail: {limit: MAX_REQUESTS}}));
      return;
    }
    const abort = new AbortController();
    this.#running.set(id, abort);
    const work = isGenerate(request) ? this.#generate(request, abort.signal) : this.#answer(request, abort.signal);
    work.catch((error) => this.#fail(id, error)).finally(() => this.#running.delete(id));
  }

  async #answer(request: Answer, signal: AbortSignal): Promise<void> {
    const value = await this.#value(request, signal);
    this.#endpoint.post({type: 'result', id: request.id, value});
  }

  async #value(request: Answer, signal: AbortSignal): Promise<Results[keyof Results]> {
    switch (request.type) {
      case 'hello':
        return this.#hello(request);
      case 'load':
        return this.#load(request, signal);
      case 'inspect':
        return this.#inspect(request, signal);
      case 'models':
        return this.#context.library.list();
      case 'remove':
        // A download that was just stopped may still be putting away its last block.
        await this.#context.host.stopped();
        return this.#context.library.remove(request.model) as Promise<undefined>;
      case 'tokenize':
        return inSlices(this.#loaded().model.tokenizer.encodeInPieces(request.text, request), signal);
      case 'detokenize': {
        const {tokenizer} = this.#loaded().model;
        const stranger = request.ids.find((id) => id >= tokenizer.vocabSize);
        if (stranger === undefined) return inSlices(tokenizer.decodeInPieces(request.ids, request), signal);
        const last = tokenizer.vocabSize - 1;
        throw new GemmaError('option-invalid', `ids has token ${stranger}; the model's tokens are 0 to ${last}`);
      }
      case 'template':
        return inSlices(this.#render(request), signal);
      case 'find':
        return this.#context.knowledge.find(request, signal);
      case 'embed':
        return this.#embed(request, signal);
      case 'load-adapter':
        return this.#loaded().adapters.load(this, request.adapter, signal);
      case 'unload-adapter':
        return this.#loaded().adapters.unload(this, request.adapter) as undefined;
      case 'adapters':
        return this.#loaded().adapters.list();
      case 'train':
        return this.#loaded().training.ask(this, request.ask, signal);
      case 'stats':
        return workerStats(this.#context);
      case 'ping':
        return undefined;
    }
  }

  #render(request: Extract<Request, {type: 'template'}>): Pieces<string> {
    const {model} = this.#loaded();
    return renderToTextInPieces(model.tokenizer, model.template(), request.messages, request);
  }

  async #hello(request: Extract<Request, {type: 'hello'}>): Promise<Results['hello']> {
    if (request.version !== PROTOCOL_VERSION) {
      throw new GemmaError(
        'protocol-mismatch',
        `the page speaks version ${request.version}, the worker ${PROTOCOL_VERSION}. Serve both files of one release`,
      );
    }
    if (!this.#watched) this.#liveness.watch(this.#context.locks, request.lock);
    this.#watched = true;
    return {version: PROTOCOL_VERSION, webgpu: this.#context.webgpu, lock: await this.#context.lock};
  }

  async #load(request: Extract<Request, {type: 'load'}>, signal: AbortSignal) {
    const {id, model, options, idleTimeout} = request;
    const instance = await this.#context.host.load(this, model, {
      ...options,
      idleTimeout,
      signal,
      onProgress: (progress) => this.#endpoint.post({type: 'progress', id, progress}),
    });
    this.#instance = instance;
    return instance.model.info;
  }

  #embed({id, model, texts}: Extract<Request, {type: 'embed'}>, signal: AbortSignal) {
    return this.#context.encoders.embed(model, texts, {
      signal,
      onProgress: (progress) => this.#endpoint.post({type: 'progress', id, progress}),
    });
  }

  async #generate(request: Generate, signal: AbortSignal): Promise<void> {
    const {id} = request;
    const {model, scheduler, adapters} = this.#loaded();
    const generation = await inSlices(
      request.type === 'chat'
        ? chatGeneration(model, request.request, request.resume)
        : completionGeneration(model, request.request, request.resume),
      signal,
    );
    const {thinking} = request.type === 'chat' ? request.request : {};
    const inThought = endsInThought(model.tokenizer, generation.prompt);
    const thoughts = inThought ? 'open' : thinking ? 'may' : 'none';
    generation.constraint = await constraintOf(model.tokenizer, request.request, thoughts);
    const used = adapters.use(request.request.adapters, generation.prompt);
    const job: Job = {
      client: this,
      signal,
      adapters: () => used.list(),
      attention: () => this.#attention,
      onPosition: (position) => this.#endpoint.post({type: 'queued', id, position}),
      steps: (sequence) => {
        const {engine, tokenizer} = model;
        const emit = (event: GenerationEvent): void => this.#endpoint.post({...event, id});
        return generate(generation, {engine, tokenizer, sequence, signal, emit});
      },
    };
    try {
      await scheduler.run(job);
    } finally {
      used.release();
    }
  }

  async #inspect(
    {model, contextLength}: Extract<Request, {type: 'inspect'}>,
    signal: AbortSignal,
  ): Promise<ModelInspection> {
    const {library, host} = this.#context;
    const found = await library.inspect(model, {contextLength, signal});
    return {...found, loaded: host.holds(model)};
  }

  #loaded(): Instance {
    if (this.#instance) return this.#instance;
    throw new GemmaError('closed', 'no model is loaded for this client; load one first');
  }

  #fail(id: number, error: unknown): void {
    // A client that aborted a call waits for nothing.
    if (isAbort(error)) return;
    this.#endpoint.post({type: 'error', id, error: wireError(error)});
  }
}

function isGenerate(request: Generate | Answer): request is Generate {
  return request.type === 'chat' || request.type === 'completion';
}
