// One generation as the scheduler sees it: its sequence while it has one, the tokens that are computed, and the step it
// asked for. Knows no other request and no engine.
//
// A request that is preempted keeps its tokens. When it has a sequence again, they are computed again, most of them found
// in pages that are still known; its results do not change, because a row's bits do not depend on its step.
import type {SequenceState, TokenStep, TokenSteps} from '../chat/token-steps.ts';
import type {Sequence, SequenceAdapter, StepInput} from '../engine/engine.ts';
import {PAGE_SIZE} from '../engine/kv/pages.ts';
import {GemmaError} from '../errors.ts';
import type {Attention} from '../protocol/messages.ts';

/** A generation to be run. */
export interface Job {
  /** Clients are served in turn: jobs of the same one share its turns. */
  client: object;
  signal: AbortSignal;
  /** Asked before every step. Default: visible. */
  attention?(): Attention;
  /** Number of jobs that are before it; 0 when it has a sequence. Called when it changes. */
  onPosition?(position: number): void;
  /** What it uses of the adapters, on the engine of now. Default: none. */
  adapters?(): readonly SequenceAdapter[];
  /** Runs the generation, step by step. */
  steps(sequence: SequenceState): TokenSteps;
}

/** Jobs of the client that the visitor looks at come first. */
const RANKS: Readonly<Record<Attention, number>> = {focused: 0, visible: 1, hidden: 2};

/** A job, and its state between two steps. */
export class ScheduledRequest implements SequenceState {
  readonly job: Job;
  /** Counts up from request to request. */
  readonly arrival: number;
  readonly tokens: number[] = [];
  cached = 0;
  /** Null while it waits for one. */
  sequence: Sequence | null = null;
  /** Place in the order of priorities when it was last read: less is earlier. */
  rank = RANKS.visible;
  /** Resolves when the job is done; rejects with its error, or that of a step. */
  readonly ended: Promise<void>;
  readonly #settle: {resolve(): void; reject(error: unknown): void};
  readonly #steps: TokenSteps;
  readonly #onEnd: (request: ScheduledRequest) => void;
  readonly #onAbort = (): void => this.#stopIfWaiting();
  /** Null before it starts, while it runs, and after its end. */
  #asked: TokenStep | null = null;
  /** f32[vocabSize]: each step's last logits, in the same memory because a vocabulary is a megabyte. */
  #logits: Float32Array | undefined;
  #position: number | null = null;

  /** @param onEnd called once, before `ended` settles */
  constructor(job: Job, arrival: number, onEnd: (request: ScheduledRequest) => void) {
    this.job = job;
    this.arrival = arrival;
    this.#onEnd = onEnd;
    this.#steps = job.steps(this);
    let settle!: {resolve(): void; reject(error: unknown): void};
    this.ended = new Promise<void>((resolve, reject) => {
      settle = {resolve, reject};
    });
    this.#settle = settle;
    job.signal.addEventListener('abort', this.#onAbort);
  }

  /** Runs the job until it asks for its first step. */
  start(): void {
    this.#resume(() => this.#steps.next());
  }

  readPriority(): void {
    this.rank = RANKS[this.job.attention?.() ?? 'visible'];
  }

  setPosition(position: number): void {
    if (this.#position === position) return;
    this.#position = position;
    this.job.onPosition?.(position);
  }

  /** Tokens the sequence will have after the step that was asked for. */
  get length(): number {
    return this.tokens.length + (this.#asked?.tokens.length ?? 0);
  }

  /** Rows that are left to compute of what was asked for, those of a preempted request included. */
  get rowsLeft(): number {
    return this.length - (this.sequence?.tokens.length ?? 0);
  }

  /**
   * Tokens whose keys and values may come from the prefix cache: not the last one, whose logits are needed, and none of a
   * step that needs the logits of all.
   */
  get cacheableTokens(): number[] {
    const {tokens} = this;
    if (!this.#asked || this.#asked.logits === 'all') return [...tokens];
    return [...tokens, ...this.#asked.tokens.slice(0, -1)];
  }

  /** Gives it a sequence that holds a beginning of `cacheableTokens`. */
  begin(sequence: Sequence): void {
    this.sequence = sequence;
    // A step of a lost engine may still write to the memory of before.
    this.#logits = undefined;
    if (this.tokens.length === 0) this.cached = sequence.tokens.length;
  }

  /** Takes its sequence away and frees it. Its tokens stay. */
  preempt(): void {
    this.sequence?.free();
    this.dropSequence();
  }

  /** Takes its sequence away without freeing it, because its engine is lost. */
  dropSequence(): void {
    this.sequence = null;
    if (this.job.signal.aborted) this.#stopIfWaiting();
  }

  /** Its part of the next step, at most `maxRows` rows. Only with a sequence. */
  nextInput(maxRows: number): StepInput {
    const {tokens} = this;
    const sequence = this.sequence!;
    if (this.rowsLeft > 1) this.#attachPrefix(sequence);
    const start = sequence.tokens.length;
    if (start < tokens.length) {
      // Computed before it was preempted: its logits were used then.
      return {sequence, tokens: tokens.slice(start, Math.min(tokens.length, chunkEnd(start, maxRows))), logits: 'none'};
    }
    const {logits, choice, tokens: asked} = this.#asked!;
    const complete = start + maxRows >= this.length;
    const end = complete ? asked.length : chunkEnd(start, maxRows) - tokens.length;
    const rows = asked.slice(start - tokens.length, end);
    if (!complete && logits !== 'all') return {sequence, tokens: rows, logits: 'none'};
    return {sequence, tokens: rows, logits, into: this.#logits, choice};
  }

  /** Uses what other requests have computed since it began. */
  #attachPrefix(sequence: Sequence): void {
    const before = sequence.tokens.length;
    const after = sequence.attachPrefix(this.cacheableTokens);
    if (before >= this.tokens.length) this.cached += after - before;
  }

  /** A step with its input has been computed: runs the job until it asks for the next one, if this one is complete. */
  complete(logits: Float32Array[]): void {
    // Null if the engine was lost between the step and this call: it is computed again.
    if (!this.sequence || !this.#asked) return;
    const asked = this.#asked;
    const taken = this.sequence.tokens.length - this.tokens.length;
    if (taken <= 0) return;
    if (asked.logits === 'last') this.#logits = logits.at(-1) ?? this.#logits;
    this.tokens.push(...asked.tokens.slice(0, taken));
    this.#resume(() => this.#steps.next({taken, logits}));
  }

  /** Ends it with an error, which the job sees at its `yield`. */
  fail(error: unknown): void {
    this.#resume(() => {
      const result = this.#steps.throw(error);
      if (result.done) return result;
      this.#steps.return();
      throw error;
    });
  }

  /** A request that waits for a sequence need not wait to be stopped. One in a step sees the signal after the step. */
  #stopIfWaiting(): void {
    if (this.#asked && !this.sequence) this.fail(this.job.signal.reason);
  }

  #resume(run: () => IteratorResult<TokenStep, void>): void {
    this.#asked = null;
    let result: IteratorResult<TokenStep, void>;
    try {
      result = run();
    } catch (error) {
      this.#end(() => this.#settle.reject(error));
      return;
    }
    if (result.done) {
      this.#end(() => this.#settle.resolve());
      return;
    }
    this.#asked = result.value;
    if (result.value.tokens.length === 0) this.fail(new GemmaError('internal', 'a generation asked for no tokens'));
    else if (this.job.signal.aborted) this.#stopIfWaiting();
  }

  #end(settle: () => void): void {
    this.job.signal.removeEventListener('abort', this.#onAbort);
    this.sequence?.free();
    this.sequence = null;
    this.#onEnd(this);
    settle();
  }
}

/** Where a chunk of at most `maxRows` rows from `start` on ends if more follow: with a page, so that others can share it. */
function chunkEnd(start: number, maxRows: number): number {
  const end = start + maxRows;
  const aligned = end - (end % PAGE_SIZE);
  return aligned > start ? aligned : end;
}
