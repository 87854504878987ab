// Whose rows go into the next step. Every live generation has a lane; a step takes the next token of each lane that
// decodes and a chunk of one prompt, so that all answer together. Owns the sequences, who has one and who waits for one.
// Knows no messages and no text.
//
// A lane that has to make room keeps its tokens and joins the queue again; when it is back it is fed anew, mostly from
// pages that are still known. Nothing is dropped, and because a row's bits do not depend on its step, nothing changes.
import type {Lane, LaneStep} from '../chat/lane.ts';
import type {Engine, Sequence, StepInput} from '../engine/engine.ts';
import {PAGE_SIZE} from '../engine/kv/pages.ts';
import {GemmaError, hasCode} from '../errors.ts';
import type {Attention} from '../protocol/messages.ts';
import {ChunkSize} from './chunk-size.ts';
import type {Meter} from './meter.ts';
import type {Watchdog} from './watchdog.ts';

/** Who is looked at goes first. */
const ORDER: Readonly<Record<Attention, number>> = {focused: 0, visible: 1, hidden: 2};

export interface Job {
  client: object;
  signal: AbortSignal;
  /** Asked before every step. Default: visible. */
  attention?(): Attention;
  /** Jobs that go first; 0 when its turn has come. Called on every change. */
  onPosition?(position: number): void;
  work(lane: Lane): Promise<void>;
}

type SchedulerEngine = Pick<Engine, 'step' | 'createSequence' | 'roomFor' | 'chunkSize'>;

interface Pending {
  tokens: readonly number[];
  logits: StepInput['logits'];
  choice: StepInput['choice'];
  resolve(step: LaneStep): void;
  reject(error: unknown): void;
}

export interface BatchStats {
  /** Lanes with a sequence. */
  running: number;
  /** Lanes that wait for one. */
  queued: number;
  /** Of the last step: rows of lanes that decode, and of a prompt. */
  decodeRows: number;
  prefillRows: number;
}

export interface SchedulerOptions {
  meter?: Meter;
  /** Told when a step has not come back for a long time. */
  watchdog?: Watchdog;
  /** Whoever owns the engine brings another one when it is lost; until then jobs wait. Default false: they fail. */
  recovers?: boolean;
}

export class Scheduler {
  #engine: SchedulerEngine;
  readonly #meter: Meter | undefined;
  readonly #watchdog: Watchdog | undefined;
  readonly #recovers: boolean;
  readonly #chunk: ChunkSize;
  readonly #lanes = new Set<JobLane>();
  /** Tokens served, by client: of prompts and of answers. */
  readonly #served = new WeakMap<object, number>();
  /** Of these, tokens that one step took alone: answers, but for a prompt's odd end. */
  readonly #decoded = new WeakMap<object, number>();
  #arrivals = 0;
  #running = false;
  /** Jobs that ended well. */
  #completed = 0;
  /** While the engine is lost: ends the wait. */
  #suspended: (() => void) | null = null;
  /** The engine is lost for good. */
  #failed: unknown = null;
  /** Gives the step that is under way up. */
  #abandon: ((error: unknown) => void) | null = null;
  #last = {decodeRows: 0, prefillRows: 0};
  /** Wakes the loop when no lane is thinking any more. */
  #settled: (() => void) | null = null;

  constructor(engine: SchedulerEngine, {meter, watchdog, recovers = false}: SchedulerOptions = {}) {
    this.#engine = engine;
    this.#meter = meter;
    this.#watchdog = watchdog;
    this.#recovers = recovers;
    this.#chunk = new ChunkSize(engine.chunkSize);
  }

  /** Jobs that wait for their turn. */
  get queued(): number {
    return this.stats().queued;
  }

  get completed(): number {
    return this.#completed;
  }

  /** The engine is gone: jobs keep what they have said and wait, fed anew once `resume` brings another. */
  suspend(): void {
    this.#suspended ??= () => {};
    for (const lane of this.#lanes) lane.sequence = null;
    this.#abandon?.(SUSPENDED);
  }

  /** Goes on with another engine of the same model. */
  resume(engine: SchedulerEngine): void {
    this.#engine = engine;
    this.#wake();
  }

  /** There will be no other engine: whoever waits, and whoever comes later, gets this error. */
  fail(error: unknown): void {
    this.#failed = error;
    this.suspend();
    this.#wake();
  }

  #wake(): void {
    const wake = this.#suspended;
    this.#suspended = null;
    wake?.();
  }

  /** What a client has got so far, and how many of its jobs run. */
  clientStats(client: object): {running: number; decodedTokens: number} {
    const running = [...this.#lanes].filter(({job, sequence}) => job.client === client && sequence).length;
    return {running, decodedTokens: this.#decoded.get(client) ?? 0};
  }

  stats(): BatchStats {
    const running = [...this.#lanes].filter(({sequence}) => sequence !== null).length;
    return {running, queued: this.#lanes.size - running, ...this.#last};
  }

  /**
   * Resolves when the job's work is done; rejects with what it throws. Should the job be stopped while it waits for its
   * turn, its lane's step rejects with the signal's reason.
   */
  async run(job: Job): Promise<void> {
    this.#welcome(job.client);
    const lane = new JobLane(job, ++this.#arrivals, () => this.#changed());
    const leave = (): void => lane.leave();
    job.signal.addEventListener('abort', leave);
    this.#lanes.add(lane);
    try {
      await job.work(lane);
      this.#completed += 1;
    } finally {
      job.signal.removeEventListener('abort', leave);
      this.#lanes.delete(lane);
      lane.park();
      this.#changed();
    }
  }

  /** A newcomer is level with whoever was served least, not ahead of everybody. */
  #welcome(client: object): void {
    if ([...this.#lanes].some((lane) => lane.job.client === client)) return;
    const others = [...this.#lanes].map((lane) => this.#servedTo(lane));
    const least = others.length > 0 ? Math.min(...others) : 0;
    this.#served.set(client, Math.max(least, this.#served.get(client) ?? 0));
  }

  #servedTo({job}: JobLane): number {
    return this.#served.get(job.client) ?? 0;
  }

  /** A lane has put tokens down, or is gone. */
  #changed(): void {
    if (this.#thinking) return;
    if (this.#settled) this.#settled();
    else void this.#loop();
  }

  /** Somebody has had a step's answer and not yet said what comes next. */
  get #thinking(): boolean {
    for (const lane of this.#lanes) if (!lane.pending) return true;
    return false;
  }

  async #loop(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      this.#watchdog?.start();
      while (this.#lanes.size > 0) {
        if (this.#suspended) {
          await new Promise<void>((resolve) => {
            this.#suspended = resolve;
          });
        }
        if (this.#failed) for (const lane of this.#lanes) lane.fail(this.#failed);
        else this.#admit();
        const ran = await this.#step();
        if (!this.#thinking && !ran) return; // nobody can go on; whoever changes that begins again
        // Lanes answer in the same turn of the event loop: there is nothing outside that they could wait for.
        if (this.#thinking) {
          await new Promise<void>((resolve) => {
            this.#settled = resolve;
          });
          this.#settled = null;
        }
      }
    } finally {
      this.#watchdog?.stop();
      this.#running = false;
    }
  }

  /** First who is looked at, then who was served least, then who came first. */
  #order(lanes: Iterable<JobLane>): JobLane[] {
    return [...lanes].sort((a, b) => a.rank - b.rank || this.#servedTo(a) - this.#servedTo(b) || a.arrival - b.arrival);
  }

  /** Lanes with a sequence; at the end who makes room first: of those who matter least, who came last. */
  #holding(): JobLane[] {
    const holding = [...this.#lanes].filter(({sequence}) => sequence);
    return holding.sort((a, b) => a.rank - b.rank || a.arrival - b.arrival);
  }

  /** Gives sequences to lanes in order, as far as there is room. */
  #admit(): void {
    for (const lane of this.#lanes) lane.look();
    const waiting = this.#order([...this.#lanes].filter(({sequence}) => !sequence));
    while (waiting.length > 0 && this.#begin(waiting[0])) waiting.shift();
    for (const [index, lane] of waiting.entries()) lane.tell(index + 1);
  }

  /** Makes room for a lane among those that matter less, if it must. */
  #begin(lane: JobLane): boolean {
    for (;;) {
      if (this.#enter(lane)) {
        lane.tell(0);
        return true;
      }
      const last = this.#holding().at(-1);
      if (!last || last.rank <= lane.rank) return false;
      last.park();
    }
  }

  #enter(lane: JobLane): boolean {
    let sequence: Sequence;
    try {
      sequence = this.#engine.createSequence(lane.known);
    } catch (error) {
      if (hasCode(error, 'out-of-memory')) return false;
      lane.fail(error);
      return true;
    }
    const alone = ![...this.#lanes].some((other) => other.sequence);
    // Alone it may try with whatever there is: the engine says what is missing.
    if (alone || this.#engine.roomFor(sequence, lane.length - sequence.tokens.length)) {
      lane.enter(sequence);
      return true;
    }
    sequence.free();
    return false;
  }

  /** False if no lane had anything to run. */
  async #step(): Promise<boolean> {
    const running = this.#order([...this.#lanes].filter(({sequence, pending}) => sequence && pending));
    const decoding = running.filter((lane) => lane.rowsLeft === 1).slice(0, this.#engine.chunkSize);
    const prompt = running.find((lane) => lane.rowsLeft > 1);
    const room = this.#chunk.rows(decoding.length);
    const turns = decoding.map((lane) => ({lane, input: lane.input(1)}));
    if (prompt && room > 0) turns.push({lane: prompt, input: prompt.input(room)});
    if (turns.length > 0) await this.#attempt(turns);
    return turns.length > 0;
  }

  async #attempt(turns: readonly Turn[]): Promise<void> {
    try {
      const started = performance.now();
      const logits = await this.#run(turns.map(({input}) => input));
      this.#account(turns, performance.now() - started);
      turns.forEach(({lane}, i) => {
        lane.took(logits[i]);
      });
    } catch (error) {
      await this.#recover(turns, error);
    }
  }

  /** A step that `suspend` can give up. */
  #run(inputs: readonly StepInput[]): Promise<Float32Array[][]> {
    this.#watchdog?.begin();
    const step = new Promise<Float32Array[][]>((resolve, reject) => {
      this.#abandon = reject;
      this.#engine.step(inputs).then(resolve, reject);
    });
    return step.finally(() => {
      this.#abandon = null;
      this.#watchdog?.end();
    });
  }

  #account(turns: readonly Turn[], ms: number): void {
    const rows = turns.map(({input}) => input.tokens.length);
    const decodeRows = rows.filter((n) => n === 1).length;
    const prefillRows = rows.reduce((sum, n) => sum + n, 0) - decodeRows;
    this.#last = {decodeRows, prefillRows};
    this.#meter?.add(decodeRows, prefillRows, ms);
    if (prefillRows > 0) this.#chunk.measured(prefillRows, ms);
    turns.forEach(({lane}, i) => {
      const {client} = lane.job;
      this.#served.set(client, this.#servedTo(lane) + rows[i]);
      if (rows[i] === 1) this.#decoded.set(client, (this.#decoded.get(client) ?? 0) + 1);
    });
  }

  /** Nothing was written: the engine checks first. Whose fault it was is found by going on without the others. */
  async #recover(turns: readonly Turn[], error: unknown): Promise<void> {
    if (error !== SUSPENDED && this.#recovers && hasCode(error, 'device-lost')) this.suspend();
    if (this.#suspended || this.#failed || error === SUSPENDED) return; // all lanes still have what they put down
    const holding = this.#holding();
    if (hasCode(error, 'out-of-memory') && holding.length > 1) {
      // The others take what it leaves before it may come back.
      holding.at(-1)?.park();
      const left = turns.filter(({lane}) => lane.sequence);
      if (left.length > 0) await this.#attempt(left);
    } else if (turns.length === 1) turns[0].lane.fail(error);
    else for (const turn of turns) await this.#attempt([turn]);
  }
}

/** What a lane puts into a step. */
interface Turn {
  lane: JobLane;
  input: StepInput;
}

/** A lane, and what the scheduler knows of it. */
class JobLane implements Lane {
  readonly job: Job;
  readonly arrival: number;
  readonly tokens: number[] = [];
  cached = 0;
  sequence: Sequence | null = null;
  pending: Pending | null = null;
  /** Place in the order of priorities, as of the last look. */
  rank = ORDER.visible;
  /** Where each step's logits go: a vocabulary is a megabyte. */
  #logits: Float32Array | undefined;
  readonly #changed: () => void;
  #position: number | null = null;

  constructor(job: Job, arrival: number, changed: () => void) {
    this.job = job;
    this.arrival = arrival;
    this.#changed = changed;
  }

  step(tokens: readonly number[], logits: StepInput['logits'], choice?: StepInput['choice']): Promise<LaneStep> {
    return new Promise((resolve, reject) => {
      if (tokens.length === 0) return reject(new GemmaError('internal', 'a lane was given no tokens'));
      // Stopped before it had a turn: it need not wait for one.
      if (this.job.signal.aborted && !this.sequence) return reject(this.job.signal.reason);
      this.pending = {tokens, logits, choice, resolve, reject};
      this.#changed();
    });
  }

  look(): void {
    this.rank = ORDER[this.job.attention?.() ?? 'visible'];
  }

  tell(position: number): void {
    if (this.#position === position) return;
    this.#position = position;
    this.job.onPosition?.(position);
  }

  /** Positions the sequence has to reach. */
  get length(): number {
    return this.tokens.length + (this.pending?.tokens.length ?? 0);
  }

  /** What others may have computed already: all but the last token, whose logits are wanted; none that is scored. */
  get known(): number[] {
    const {tokens, pending} = this;
    if (!pending || pending.logits === 'all') return [...tokens];
    return [...tokens, ...pending.tokens.slice(0, -1)];
  }

  get rowsLeft(): number {
    return this.length - (this.sequence?.tokens.length ?? 0);
  }

  enter(sequence: Sequence): void {
    this.sequence = sequence;
    // A step of a lost engine may still write to the old place.
    this.#logits = undefined;
    if (this.tokens.length === 0) this.cached = sequence.tokens.length;
  }

  /** Its next rows, at most `most`. */
  input(most: number): StepInput {
    const {tokens, pending} = this;
    const sequence = this.sequence!;
    if (this.rowsLeft > 1) this.#adopt(sequence);
    const held = sequence.tokens.length;
    if (held < tokens.length) {
      // Taken before, and lost since: fed again, nobody needs the logits.
      return {sequence, tokens: tokens.slice(held, Math.min(tokens.length, pageEnd(held, most))), logits: 'none'};
    }
    const {logits, choice, tokens: next} = pending!;
    const done = held - tokens.length;
    const complete = held + most >= this.length;
    const end = complete ? next.length : pageEnd(held, most) - tokens.length;
    const rows = next.slice(done, end);
    if (!complete && logits !== 'all') return {sequence, tokens: rows, logits: 'none'};
    return {sequence, tokens: rows, logits, into: this.#logits, choice};
  }

  /** What others have computed since is not computed again. */
  #adopt(sequence: Sequence): void {
    const before = sequence.tokens.length;
    const after = sequence.attachPrefix(this.known);
    if (before >= this.tokens.length) this.cached += after - before;
  }

  took(logits: Float32Array[]): void {
    const {pending, tokens} = this;
    // The engine was lost after the step was back and before it was looked at.
    if (!this.sequence) return;
    const held = this.sequence.tokens.length;
    const taken = held - tokens.length;
    if (!pending || taken <= 0) return;
    this.pending = null;
    if (pending.logits === 'last') this.#logits = logits.at(-1) ?? this.#logits;
    tokens.push(...pending.tokens.slice(0, taken));
    pending.resolve({taken, logits});
  }

  /** Gives its sequence back; its tokens stay. */
  park(): void {
    this.sequence?.free();
    this.sequence = null;
  }

  /** Stopped: a lane that waits for its turn waits no more. One in a step has its answer soon. */
  leave(): void {
    if (!this.sequence) this.fail(this.job.signal.reason);
  }

  fail(error: unknown): void {
    const {pending} = this;
    this.pending = null;
    pending?.reject(error);
  }
}

/** Where a chunk of at most `most` rows from `held` on ends, more to follow: with a page, so that others can use it soon. */
function pageEnd(held: number, most: number): number {
  const end = held + most;
  const aligned = end - (end % PAGE_SIZE);
  return aligned > held ? aligned : end;
}

/** Why a step was given up. */
const SUSPENDED = Symbol('suspended');
