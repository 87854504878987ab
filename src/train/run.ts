// One training: update after update until the last, in slices between the chats' steps. Owns where it is, what is kept of it and when,
// and that it comes to the same however often it is interrupted: what an update does depends on its number and the state before
// it alone. Knows no message and no file.
import type {BatchLoss, Training, TrainingBatch, TrainingOptions, TrainingState} from '../engine/training/training.ts';
import {GemmaError, type WireError} from '../errors.ts';
import {ours} from '../protocol/foreign-error.ts';
import type {TrainingNews, TrainingPoint, TrainingStatus} from '../protocol/training.ts';
import type {PreparedData} from './data/prepare.ts';
import type {TrainingHome, TrainingTools} from './home.ts';
import type {Keep, KeptRun} from './keep.ts';
import {learningRateAt} from './schedule.ts';
import type {KeptState} from './state-file.ts';

/** What a run works with. */
export interface RunParts {
  readonly kept: KeptRun;
  readonly data: PreparedData;
  readonly options: TrainingOptions;
  readonly home: TrainingHome;
  readonly tools: TrainingTools;
  readonly keep: Keep;
}

/** Keeping the state takes at most this part of the time. */
const KEEPING_PART = 0.05;
/** How often examples that are only measured are measured: at the end of each epoch, and no more often than so in all. */
const MEASUREMENTS = 20;
/** Updates of one answer to those who watch. */
const MOST_NEWS = 4096;

/** Thrown where a slice was to run and the run is to rest. */
const RESTING = Symbol('resting');

/** One training, from its state to its end. */
export class Run {
  readonly kept: KeptRun;
  /** Clients that watch it: without any it rests. */
  readonly watchers = new Set<object>();
  /** Resolves when it is at rest or at its end, with nothing of it on the GPU. */
  done: Promise<void> = Promise.resolve();
  readonly #parts: RunParts;
  #status: TrainingStatus = 'interrupted';
  /** What it is to come to at the next slice. */
  #wanted: TrainingStatus = 'running';
  #points: TrainingPoint[] = [];
  #error: GemmaError | null = null;
  #notKept: GemmaError | null = null;
  /** The last that was read back: kept, or to be kept. */
  #last: KeptState | null;
  #change = signal();
  /** An update that is made and not yet measured. */
  #pending: TrainingPoint | null = null;
  /** Those who want the factors as they are after the next update. */
  readonly #snapshots: {resolve(state: TrainingState): void; reject(error: unknown): void}[] = [];
  /** What it took to keep the state, in milliseconds. */
  #keepingMs = 0;

  /** @param last the state that is kept */
  constructor(parts: RunParts, last: KeptState | null) {
    this.#parts = parts;
    this.kept = parts.kept;
    this.#last = last;
    this.#points = [...(last?.points ?? [])];
    if (last && last.state.step >= parts.data.steps) this.#status = 'finished';
  }

  get status(): TrainingStatus {
    return this.#status;
  }

  get #active(): boolean {
    return this.#status === 'running' || this.#status === 'paused';
  }

  /** Updates so far. */
  get step(): number {
    return this.#points.length;
  }

  /** Begins, or goes on. */
  start(): void {
    if (this.#status === 'finished' || this.#status === 'cancelled') return;
    this.#wanted = 'running';
    this.#change.tell();
    if (this.#status === 'running') return;
    const active = this.#status === 'paused';
    this.#error = null;
    this.#become('running');
    // A run that is paused waits where it is.
    if (!active) this.done = this.done.then(() => this.#work());
  }

  /** Rests from the next slice on, on the GPU still. Resolves when it does, with its state kept. */
  async pause(): Promise<void> {
    if (this.#status !== 'running') return;
    this.#wanted = 'paused';
    this.#change.tell();
    while (this.#status === 'running' && this.#wanted === 'paused') await this.#change.told;
  }

  /** Keeps its state and gives its memory back. */
  rest(): Promise<void> {
    return this.#stop('interrupted');
  }

  /** Ends it for good; what is kept of it is another's. */
  cancel(): Promise<void> {
    return this.#stop('cancelled');
  }

  async #stop(status: 'interrupted' | 'cancelled'): Promise<void> {
    if (this.#active) {
      this.#wanted = status;
      this.#change.tell();
      await this.done;
    } else if (status === 'cancelled') this.#become('cancelled');
  }

  /** What is new since. Resolves when something is. @throws GemmaError what the run failed with; AbortError */
  async news(after: number, known: TrainingStatus | null, abort: AbortSignal): Promise<TrainingNews> {
    // One that has ended has nothing to wait for.
    while (this.#points.length <= after && this.#status === known && this.#active) {
      await Promise.race([this.#change.told, aborted(abort)]);
      abort.throwIfAborted();
    }
    const points = this.#points.slice(after, after + MOST_NEWS);
    if (points.length === 0 && this.#error) throw this.#error;
    return {status: this.#status, points, notKept: wire(this.#notKept)};
  }

  /** The state after the last update; of a run that is under way after the next. @throws GemmaError `closed` where there is none; what it failed with */
  async state(): Promise<TrainingState> {
    if (this.#status === 'running') {
      return new Promise((resolve, reject) => this.#snapshots.push({resolve, reject}));
    }
    if (this.#last) return this.#last.state;
    throw new GemmaError('closed', 'this training has not begun; there is no adapter yet');
  }

  async #work(): Promise<void> {
    const {home} = this.#parts;
    for (;;) {
      const {engine} = home.model();
      try {
        await this.#train();
        return;
      } catch (error) {
        if (await this.#recovered(error, engine)) continue;
        const failure = GemmaError.from(ours(error));
        for (const {reject} of this.#snapshots.splice(0)) reject(failure);
        // The model was unloaded: it can go on when it is loaded again.
        if (failure.code === 'closed') return this.#become('interrupted');
        this.#error = failure;
        return this.#become('failed');
      }
    }
  }

  /** After the device was lost: whether there is another by now. */
  async #recovered(error: unknown, engine: {lost: Promise<unknown>}): Promise<boolean> {
    if ((error as {code?: unknown}).code !== 'device-lost') return false;
    const {home} = this.#parts;
    try {
      await engine.lost;
      // Runs when the chats go on.
      await home.aside(async () => {});
    } catch {
      return false;
    }
    return home.model().engine !== engine;
  }

  async #train(): Promise<void> {
    const {home, tools, options, data} = this.#parts;
    const last = this.#last;
    const training = await tools.createTraining(home.model().engine, options);
    try {
      this.#pending = null;
      this.#points = [...(last?.points ?? [])];
      if (last) training.restore(last.state);
      else await this.#keepState(training);
      const clock = new Clock(tools, data);
      let keptAt = tools.now();
      while (this.#points.length < data.steps) {
        if (!(await this.#advance(training, clock))) {
          if ((await this.#rest(training)) !== 'running') return;
          clock.restart();
          continue;
        }
        if (this.#snapshots.length > 0) this.#give(await training.state());
        const pause = Math.max(tools.keepEvery, this.#keepingMs / KEEPING_PART);
        if (tools.now() - keptAt < pause || this.#points.length === data.steps) continue;
        await this.#keepState(training);
        keptAt = tools.now();
      }
      const {step, factors} = await training.state();
      // Its moments are of no more use.
      await this.#keepState({state: async () => ({step, factors, moments: []})});
      this.#give(this.#last!.state);
      this.#become('finished');
    } finally {
      training.destroy();
    }
  }

  /** One update and what is measured after it; false where the run is to rest instead, and what was begun is begun again. */
  async #advance(training: Training, clock: Clock): Promise<boolean> {
    try {
      this.#pending ??= await this.#update(training, clock);
      if (this.#isMeasured(this.#pending.step)) {
        this.#pending = {...this.#pending, validationLoss: await this.#measure(training)};
      }
      this.#points.push({...this.#pending, ...clock.figures(this.#pending.step)});
      this.#pending = null;
      this.#change.tell();
      return true;
    } catch (error) {
      if (error === RESTING) return false;
      throw error;
    }
  }

  async #update(training: Training, clock: Clock): Promise<TrainingPoint> {
    const {data, kept, home} = this.#parts;
    const step = this.#points.length;
    const batches = data.updates.batches(step);
    const {learningRate, schedule, warmup} = kept.settings;
    const rate = learningRateAt(step, {learningRate, schedule, warmup, steps: data.steps});
    const {loss, weight} = await this.#sum(batches, (batch) => training.accumulate(batch));
    if (!Number.isFinite(loss)) throw diverged(step + 1);
    await home.aside(() => training.update(rate, weight));
    clock.count(batches);
    const point = {step: step + 1, loss: loss / weight, validationLoss: null, learningRate: rate};
    return {...point, tokensPerSecond: 0, secondsLeft: 0};
  }

  #isMeasured(step: number): boolean {
    const {data} = this.#parts;
    if (data.validation.length === 0) return false;
    if (step === data.steps) return true;
    const epoch = data.updates.endOf(0);
    const every = Math.max(epoch, Math.ceil(data.steps / MEASUREMENTS));
    return step % every === 0;
  }

  async #measure(training: Training): Promise<number> {
    const {loss, weight} = await this.#sum(this.#parts.data.validation, (batch) => training.evaluate(batch));
    return loss / weight;
  }

  async #sum(
    batches: readonly TrainingBatch[],
    begin: (batch: TrainingBatch) => AsyncGenerator<void, BatchLoss>,
  ): Promise<BatchLoss> {
    const sum = {loss: 0, weight: 0};
    for (const batch of batches) {
      const {loss, weight} = await this.#drive(begin(batch));
      sum.loss += loss;
      sum.weight += weight;
    }
    return sum;
  }

  async #drive<T>(work: AsyncGenerator<void, T>): Promise<T> {
    for (;;) {
      if (this.#wanted !== 'running') {
        await work.return(undefined as never);
        throw RESTING;
      }
      const {done, value} = await this.#parts.home.aside(() => work.next());
      if (done) return value as T;
    }
  }

  /** Keeps the state and rests until the run is wanted again, or is to end. */
  async #rest(training: Training): Promise<TrainingStatus> {
    if (this.#wanted !== 'cancelled') await this.#keepState(training);
    // What was added up of an update that was left in between is forgotten.
    if (this.#last) {
      training.restore(this.#last.state);
      this.#give(this.#last.state);
    }
    this.#become(this.#wanted);
    while (this.#wanted === 'paused') await this.#change.told;
    this.#become(this.#wanted);
    return this.#wanted;
  }

  #give(state: TrainingState): void {
    for (const {resolve} of this.#snapshots.splice(0)) resolve(state);
  }

  /** A full disk does not stop it: the state before stays kept, and those who watch are told. */
  async #keepState(training: Pick<Training, 'state'>): Promise<void> {
    const {tools, keep, kept} = this.#parts;
    const begun = tools.now();
    this.#last = {state: await training.state(), points: [...this.#points, ...(this.#pending ? [this.#pending] : [])]};
    try {
      await keep.putState(kept.id, this.#last);
      this.#notKept = null;
    } catch (error) {
      this.#notKept = GemmaError.from(ours(error));
    }
    this.#keepingMs = tools.now() - begun;
  }

  #become(status: TrainingStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#change.tell();
  }
}

/** How fast it goes, without the time in which it rested. */
class Clock {
  readonly #tools: TrainingTools;
  /** Tokens of all epochs. */
  readonly #tokens: number;
  readonly #steps: number;
  #begun: number;
  #done = 0;

  constructor(tools: TrainingTools, {tokens, steps, epochs}: Pick<PreparedData, 'tokens' | 'steps' | 'epochs'>) {
    this.#tools = tools;
    this.#tokens = tokens * epochs;
    this.#steps = steps;
    this.#begun = tools.now();
  }

  restart(): void {
    this.#begun = this.#tools.now();
    this.#done = 0;
  }

  count(batches: readonly TrainingBatch[]): void {
    this.#done += batches.reduce((sum, {tokens}) => sum + tokens.length, 0);
  }

  /** After update `step`. */
  figures(step: number): Pick<TrainingPoint, 'tokensPerSecond' | 'secondsLeft'> {
    const seconds = Math.max(1e-3, (this.#tools.now() - this.#begun) / 1000);
    const tokensPerSecond = this.#done / seconds;
    const left = this.#tokens * (1 - step / this.#steps);
    return {tokensPerSecond, secondsLeft: tokensPerSecond > 0 ? left / tokensPerSecond : 0};
  }
}

/** A promise that is told again and again. */
function signal(): {readonly told: Promise<void>; tell(): void} {
  let resolve = (): void => {};
  const renewed = () => new Promise<void>((next) => (resolve = next));
  let told = renewed();
  return {
    get told() {
      return told;
    },
    tell() {
      const before = resolve;
      told = renewed();
      before();
    },
  };
}

function aborted(abort: AbortSignal): Promise<void> {
  return new Promise((resolve) => abort.addEventListener('abort', () => resolve(), {once: true}));
}

function diverged(step: number): GemmaError {
  return new GemmaError(
    'option-invalid',
    `the loss of update ${step} is no number: training has run off. Lower learningRate, or raise warmup`,
    {detail: {option: 'learningRate', step}},
  );
}

function wire(error: GemmaError | null): WireError | null {
  return error && {code: error.code, message: error.message, detail: error.detail};
}
