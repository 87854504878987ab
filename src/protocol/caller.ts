// The page's end: gives each request an id, and turns replies into promises and streams. Knows no OpenAI shapes.
import {GemmaError} from '../errors.ts';
import {Endpoint, type PortLike} from './endpoint.ts';
import type {Attention, LoadProgress, Reply, Request, Results, StreamReply} from './messages.ts';
import {parseReply} from './parse-reply.ts';
import {AsyncQueue} from './queue.ts';

type WithoutId<T> = T extends {id: number} ? Omit<T, 'id'> : never;
/** A request that has one answer, without its id. */
export type CallRequest = WithoutId<Extract<Request, {type: keyof Results}>>;
/** A request that is answered by a stream, without its id. */
export type StreamRequest = WithoutId<Extract<Request, {type: 'chat' | 'completion'}>>;

interface Pending {
  receive(reply: Exclude<Reply, {type: 'error' | 'fatal' | 'ping'}>): void;
  fail(error: unknown): void;
}

export interface CallOptions {
  signal?: AbortSignal;
  onProgress?: (progress: LoadProgress) => void;
}

/** Requests over one port. Every promise rejects with GemmaError or AbortError. */
export class Caller {
  /** Resolves when no request can be answered any more; not when `close` was called. */
  readonly lost: Promise<GemmaError>;
  readonly #endpoint: Endpoint<Request, Reply>;
  readonly #pending = new Map<number, Pending>();
  #lose!: (error: GemmaError) => void;
  #ended: GemmaError | null = null;
  #lastId = 0;

  constructor(port: PortLike) {
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
    this.#endpoint = new Endpoint(port, {
      parse: parseReply,
      receive: (reply) => this.#receive(reply),
      closed: () =>
        this.fail(new GemmaError('worker-failed', 'the worker closed the connection; load the model again')),
    });
  }

  /** @throws AbortError as soon as `signal` aborts; the worker is told to stop. */
  call<T extends CallRequest>(request: T, options: CallOptions = {}): Promise<Results[T['type']]> {
    const {signal, onProgress} = options;
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        signal?.removeEventListener('abort', stop);
        reject(error);
      };
      const stop = (): void => {
        this.#pending.delete(id);
        this.#endpoint.post({type: 'abort', id});
        fail(abortError());
      };
      if (signal?.aborted) return reject(abortError());
      const id = this.#post(request, {
        receive: (reply) => {
          if (reply.type === 'progress') return onProgress?.(reply.progress);
          this.#pending.delete(id);
          if (reply.type !== 'result') return fail(mismatch(`a ${reply.type} in answer to ${request.type}`));
          signal?.removeEventListener('abort', stop);
          resolve(reply.value as Results[T['type']]);
        },
        fail,
      });
      signal?.addEventListener('abort', stop);
    });
  }

  /**
   * Replies up to and including `done`. When `signal` aborts or the reader leaves, the worker is told to stop; after
   * an abort the stream still ends with its `done`.
   */
  stream(request: StreamRequest, signal?: AbortSignal): AsyncIterableIterator<StreamReply> {
    if (signal?.aborted) throw abortError();
    const stop = (): void => this.#endpoint.post({type: 'abort', id});
    const finish = (): void => {
      this.#pending.delete(id);
      signal?.removeEventListener('abort', stop);
    };
    const queue = new AsyncQueue<StreamReply>(() => {
      finish();
      stop();
    });
    const id = this.#post(request, {
      receive(reply) {
        if (reply.type === 'result' || reply.type === 'progress') {
          finish();
          return queue.fail(mismatch(`a ${reply.type} in answer to ${request.type}`));
        }
        queue.push(reply);
        if (reply.type !== 'done') return;
        finish();
        queue.end();
      },
      fail(error) {
        signal?.removeEventListener('abort', stop);
        queue.fail(error);
      },
    });
    signal?.addEventListener('abort', stop);
    return queue;
  }

  /** Whether answers are awaited. */
  get busy(): boolean {
    return this.#pending.size > 0;
  }

  /** Why no request can be made any more, or null. */
  get ended(): GemmaError | null {
    return this.#ended;
  }

  /** Ends every request, now and later, with `error`. The first failure stays. */
  fail(error: GemmaError): void {
    if (this.#ended) return;
    this.#end(error);
    this.#lose(error);
  }

  /** Says goodbye and ends every request with `closed`. Idempotent. */
  close(): void {
    this.#end(new GemmaError('closed', 'the client was closed; load the model again'));
    this.#endpoint.post({type: 'bye'});
    this.#endpoint.close();
  }

  /** Tells who is looked at. */
  attend(attention: Attention): void {
    this.#endpoint.post({type: 'attention', attention});
  }

  #post(request: WithoutId<Request>, pending: Pending): number {
    if (this.#ended) throw this.#ended;
    const id = ++this.#lastId;
    this.#pending.set(id, pending);
    try {
      this.#endpoint.post({...request, id} as Request);
    } catch (error) {
      this.#pending.delete(id);
      throw error;
    }
    return id;
  }

  #receive(reply: Reply): void {
    if (reply.type === 'fatal') {
      this.fail(GemmaError.fromWire(reply.error));
      return;
    }
    if (reply.type === 'ping') {
      this.#endpoint.post({type: 'pong'});
      return;
    }
    const pending = this.#pending.get(reply.id);
    // Unknown: what was aborted meanwhile, or nothing of ours.
    if (!pending) return;
    if (reply.type === 'error') {
      this.#pending.delete(reply.id);
      pending.fail(GemmaError.fromWire(reply.error));
    } else {
      pending.receive(reply);
    }
  }

  #end(error: GemmaError): void {
    this.#ended ??= error;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const one of pending) one.fail(error);
  }
}

/** What a request that was stopped rejects with. */
export function abortError(): DOMException {
  return new DOMException('the request was stopped', 'AbortError');
}

function mismatch(found: string): GemmaError {
  return new GemmaError(
    'protocol-mismatch',
    `the worker sent ${found}; page and worker are of different builds. Serve both files of one release`,
  );
}
