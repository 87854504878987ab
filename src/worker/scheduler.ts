// Runs generations together, one GPU step at a time. A step takes the next token of each request that decodes and a chunk of
// one prompt. Owns the loop, and what happens when a step fails or the engine is lost; knows no messages and no text.
import type {Engine} from '../engine/engine.ts';
import {GemmaError, hasCode} from '../errors.ts';
import {admit, firstToPreempt} from './admission.ts';
import {ChunkSize} from './chunk-size.ts';
import {FairShare} from './fair-share.ts';
import type {Meter} from './meter.ts';
import {type Job, ScheduledRequest} from './scheduled-request.ts';
import {composeStep, type StepPart} from './step-batch.ts';
import type {Watchdog} from './watchdog.ts';

type SchedulerEngine = Pick<Engine, 'step' | 'createSequence' | 'roomFor' | 'chunkSize'>;

/** How many requests run, and what the last step computed. */
export interface BatchStats {
  /** Requests with a sequence. */
  running: number;
  /** Requests that wait for one. */
  queued: number;
  /** Rows of the last step that each were the next token of an answer. */
  decodeRows: number;
  /** Rows of the last step that belong to a prompt. */
  prefillRows: number;
}

/** What a scheduler works with. */
export interface SchedulerOptions {
  meter?: Meter;
  /** Notices a step that does not come back. */
  watchdog?: Watchdog;
  /** Whether the owner of a lost engine calls `resume` or `fail`. Default false: requests fail with `device-lost`. */
  recovers?: boolean;
}

/** The error of a step that was given up because its engine is lost. */
const SUSPENDED = Symbol('suspended');

/** Continuous batching over one engine. */
export class Scheduler {
  #engine: SchedulerEngine;
  readonly #meter: Meter | undefined;
  readonly #watchdog: Watchdog | undefined;
  readonly #recovers: boolean;
  readonly #chunk: ChunkSize;
  readonly #share = new FairShare();
  readonly #requests = new Set<ScheduledRequest>();
  #arrivals = 0;
  #completed = 0;
  #looping = false;
  /** While the engine is lost: resolves when there is another, or none will come. */
  #suspension: Suspension | null = null;
  /** Other work on the GPU that waits for its turn. */
  readonly #asides: (() => Promise<void>)[] = [];
  /** The error of an engine that is lost for good. */
  #failure: {error: unknown} | null = null;
  /** Gives up the step that runs. */
  #abandonStep: ((error: unknown) => void) | null = null;
  #last = {decodeRows: 0, prefillRows: 0};

  constructor(engine: SchedulerEngine, {meter, watchdog, recovers = false}: SchedulerOptions = {}) {
    this.#engine = engine;
    this.#meter = meter;
    this.#watchdog = watchdog;
    this.#recovers = recovers;
    this.#chunk = new ChunkSize(engine.chunkSize);
  }

  /** Requests that wait for a sequence. */
  get queued(): number {
    return this.stats().queued;
  }

  /** Jobs that ended without an error. */
  get completed(): number {
    return this.#completed;
  }

  /** A client's tokens so far, and how many of its requests have a sequence. */
  clientStats(client: object): {running: number; decodedTokens: number} {
    const running = [...this.#requests].filter(({job, sequence}) => job.client === client && sequence).length;
    return {running, decodedTokens: this.#share.decoded(client)};
  }

  stats(): BatchStats {
    const running = [...this.#requests].filter(({sequence}) => sequence).length;
    return {running, queued: this.#requests.size - running, ...this.#last};
  }

  /**
   * Resolves when the job is done.
   * @throws what the job throws, GemmaError of its steps; the signal's reason when it is stopped before its turn
   */
  async run(job: Job): Promise<void> {
    this.#share.join(job.client, [...this.#requests]);
    const request = new ScheduledRequest(job, ++this.#arrivals, () => this.#requests.delete(request));
    this.#requests.add(request);
    request.start();
    void this.#loop();
    await request.ended;
    this.#completed += 1;
  }

  /**
   * Runs other work on the GPU between two steps: one piece after each step, so that no answer waits for more than one.
   * @throws what it throws; GemmaError `device-lost` when the engine is lost meanwhile, or what `fail` was called with
   */
  aside<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#asides.push(() => {
        if (this.#failure) return Promise.resolve(reject(this.#failure.error));
        return this.#watched(work).then(resolve, (error) => reject(error === SUSPENDED ? suspended() : error));
      });
      void this.#loop();
    });
  }

  /** The engine is lost: requests keep their tokens and wait for `resume` or `fail`. */
  suspend(): void {
    this.#suspension ??= new Suspension();
    for (const request of [...this.#requests]) request.dropSequence();
    this.#abandonStep?.(SUSPENDED);
  }

  /** Goes on with another engine of the same model. */
  resume(engine: SchedulerEngine): void {
    this.#engine = engine;
    this.#suspension?.end();
    this.#suspension = null;
  }

  /** No other engine will come: all requests, and all that come later, fail with this error. */
  fail(error: unknown): void {
    this.#failure = {error};
    this.suspend();
    this.#suspension?.end();
    this.#suspension = null;
  }

  async #loop(): Promise<void> {
    if (this.#looping) return;
    this.#looping = true;
    this.#watchdog?.start();
    try {
      while (this.#requests.size > 0 || this.#asides.length > 0) {
        while (this.#suspension) await this.#suspension.ended;
        if (this.#failure) for (const request of [...this.#requests]) request.fail(this.#failure.error);
        else if (this.#requests.size > 0) await this.#nextStep();
        if (!this.#suspension) await this.#asides.shift()?.();
      }
    } finally {
      this.#watchdog?.stop();
      this.#looping = false;
    }
  }

  async #nextStep(): Promise<void> {
    for (const request of this.#requests) request.readPriority();
    const waiting = this.#share.order([...this.#requests].filter(({sequence}) => !sequence));
    admit(waiting, this.#requests, this.#engine);
    const running = this.#share.order([...this.#requests].filter(({sequence}) => sequence));
    await this.#attempt(composeStep(running, this.#engine.chunkSize, this.#chunk));
  }

  async #attempt(planned: readonly StepPart[]): Promise<void> {
    // Without requests that were preempted or stopped since.
    const parts = planned.filter(({request, input}) => request.sequence === input.sequence);
    if (parts.length === 0) return;
    let logits: Float32Array[][];
    try {
      const started = performance.now();
      logits = await this.#watched(() => this.#engine.step(parts.map(({input}) => input)));
      this.#account(parts, performance.now() - started);
    } catch (error) {
      return this.#recover(parts, error);
    }
    for (const [i, {request}] of parts.entries()) request.complete(logits[i]);
  }

  /** Runs work on the GPU that `suspend` can give up. */
  #watched<T>(run: () => Promise<T>): Promise<T> {
    this.#watchdog?.begin();
    const work = new Promise<T>((resolve, reject) => {
      this.#abandonStep = reject;
      run().then(resolve, reject);
    });
    return work.finally(() => {
      this.#abandonStep = null;
      this.#watchdog?.end();
    });
  }

  #account(parts: readonly StepPart[], ms: number): void {
    const rows = parts.map(({input}) => input.tokens.length);
    const decodeRows = rows.filter((n) => n === 1).length;
    const prefillRows = rows.reduce((sum, n) => sum + n, 0) - decodeRows;
    this.#last = {decodeRows, prefillRows};
    this.#meter?.add(decodeRows, prefillRows, ms);
    if (prefillRows > 0) this.#chunk.measured(prefillRows, ms);
    for (const [i, {request}] of parts.entries()) this.#share.add(request.job.client, rows[i]);
  }

  /** A failed step has written nothing, because the engine checks first: finds the part that failed by going on without the others. */
  async #recover(parts: readonly StepPart[], error: unknown): Promise<void> {
    if (this.#recovers && hasCode(error, 'device-lost')) this.suspend();
    // The requests still have the steps that they asked for.
    if (error === SUSPENDED || this.#suspension || this.#failure) return;
    const holding = [...this.#requests].filter(({sequence}) => sequence).length;
    if (hasCode(error, 'out-of-memory') && holding > 1) {
      firstToPreempt(this.#requests)?.preempt();
      await this.#attempt(parts);
    } else if (parts.length === 1) parts[0].request.fail(error);
    else for (const part of parts) await this.#attempt([part]);
  }
}

function suspended(): GemmaError {
  return new GemmaError('device-lost', 'the GPU device was lost');
}

/** A time without an engine. */
class Suspension {
  end: () => void = () => {};
  readonly ended = new Promise<void>((resolve) => {
    this.end = resolve;
  });
}
