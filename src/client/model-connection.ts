// A connection to a worker with a model loaded in it, which outlives that worker: when it ends (the tab that hosted it
// crashed), another one is found, the model is loaded again from where it is stored, and answers go on where they were.

import {GemmaError, hasCode, isAbort} from '../errors.ts';
import type {Caller, StreamRequest} from '../protocol/caller.ts';
import type {ModelInfo, StreamReply} from '../protocol/messages.ts';
import type {Connection} from './connect.ts';
import {leavable} from './leavable.ts';

/** A reply, or word that the worker has ended and that the answer goes on in another. */
export type AnswerReply = StreamReply | {type: 'restarting'; id: number};

/** How a worker is found, and how the model comes into it. */
export interface Ways {
  connect(signal?: AbortSignal): Promise<Connection>;
  load(caller: Caller, signal?: AbortSignal): Promise<ModelInfo>;
}

/** Workers that may end one after the other before anything has come of them. */
const MAX_LOSSES = 3;

/** The worker that has the model, whichever that is at the time. */
export class ModelConnection {
  /** Resolves when nothing more can be had. */
  readonly lost: Promise<GemmaError>;
  readonly #ways: Ways;
  readonly #closed = new AbortController();
  #connection: Connection;
  #renewing: Promise<void> | null = null;
  #losses = 0;
  #lose!: (error: GemmaError) => void;
  #failed: GemmaError | null = null;

  constructor(connection: Connection, ways: Ways) {
    this.#ways = ways;
    this.#connection = connection;
    this.lost = new Promise((resolve) => {
      this.#lose = (error) => {
        this.#failed ??= error;
        resolve(error);
      };
    });
    this.#watch(connection);
  }

  get shared(): boolean {
    return this.#connection.shared;
  }

  /** One answer to one request, asked again should the worker end before it comes. */
  async call<T>(ask: (caller: Caller) => Promise<T>): Promise<T> {
    for (;;) {
      const caller = await this.#caller();
      try {
        const answer = await ask(caller);
        this.#losses = 0;
        return answer;
      } catch (error) {
        if (!this.#worthAnother(error)) throw error;
      }
    }
  }

  /**
   * Replies up to and including `done`, as one worker would have sent them: after another has taken over, it is told
   * which tokens have come, and says what follows them; `restarting` comes in between.
   */
  stream(given: StreamRequest, signal?: AbortSignal): AsyncGenerator<AnswerReply, void, undefined> {
    // A seed of ours, so that another worker draws the same.
    const seed = given.request.seed ?? crypto.getRandomValues(new Uint32Array(1))[0];
    const request = {...given, request: {...given.request, seed}} as StreamRequest;
    // Asked at once, so that requests are in the order of their calls.
    const {caller} = this.#connection;
    const first = caller.ended ? null : caller.stream(request, signal);
    return leavable(this.#resumed(request, first, signal), first);
  }

  async *#resumed(
    request: StreamRequest,
    first: AsyncIterable<StreamReply> | null,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<AnswerReply, void, undefined> {
    const ids: number[] = [];
    let begun = false;
    for (let replies = first; ; replies = null) {
      replies ??= (await this.#caller()).stream(begun ? {...request, resume: [...ids]} : request, signal);
      try {
        for await (const reply of replies) {
          if (reply.type === 'echo' || reply.type === 'text' || reply.type === 'tool-calls') begun = true;
          if ('ids' in reply) ids.push(...(reply.ids ?? []));
          this.#losses = 0;
          yield reply;
        }
        return;
      } catch (error) {
        // It was stopped, and the worker ended before it could say so.
        if (signal?.aborted) return;
        if (!this.#worthAnother(error)) throw error;
        yield {type: 'restarting', id: 0};
      }
    }
  }

  /** Idempotent. */
  close(): void {
    this.#closed.abort();
    this.#connection.close();
  }

  /** The present worker's, or the next one's once it has the model. */
  async #caller(): Promise<Caller> {
    for (;;) {
      const {caller} = this.#connection;
      if (!caller.ended) return caller;
      if (this.#failed || this.#closed.signal.aborted) throw this.#failed ?? caller.ended;
      // Between the end of a worker and the search for the next there may be a moment.
      await (this.#renewing ?? caller.lost);
    }
  }

  #worthAnother(error: unknown): boolean {
    return hasCode(error, 'worker-failed') && !this.#closed.signal.aborted && !this.#failed;
  }

  #watch(connection: Connection): void {
    void connection.caller.lost.then((error) => {
      if (!this.#worthAnother(error)) return this.#lose(error);
      this.#renewing = this.#renew(error).finally(() => {
        this.#renewing = null;
      });
    });
  }

  async #renew(error: GemmaError): Promise<void> {
    while (++this.#losses <= MAX_LOSSES) {
      try {
        this.#connection = await this.#loaded(this.#closed.signal);
        return this.#watch(this.#connection);
      } catch (reason) {
        if (isAbort(reason)) break;
        // The next worker may end like the last one; anything else will not get better.
        if (!this.#worthAnother(reason)) return this.#lose(GemmaError.from(reason));
      }
    }
    this.#lose(error);
  }

  async #loaded(signal: AbortSignal): Promise<Connection> {
    const connection = await this.#ways.connect(signal);
    try {
      await this.#ways.load(connection.caller, signal);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }
}
