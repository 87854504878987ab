// Trainings on one model: what clients ask is checked here, and done by run.ts. Owns which runs there are, that one at a time is on
// the GPU, and who watches them.

import {readGgufAdapter} from '../adapters/gguf-adapter.ts';
import type {LowRankFactors} from '../engine/engine.ts';
import type {TrainingOptions} from '../engine/training/training.ts';
import {GemmaError} from '../errors.ts';
import {isModelRef, isNamedBlob, isObject, isString, oneOf} from '../protocol/check.ts';
import type {AdapterRef} from '../protocol/messages.ts';
import {checkOptions, unexpected} from '../protocol/options.ts';
import {
  TRAINING_DEFAULTS,
  type TrainingAnswers,
  type TrainingAsk,
  type TrainingInfo,
  type TrainingJob,
  type TrainingPlan,
  type TrainingSettings,
  trainingOptions,
} from '../protocol/training.ts';
import {sha256Hex} from '../store/hash/integrity.ts';
import {blobSource} from '../store/sources/blob-source.ts';
import {inSlices} from '../tokenizer/pieces.ts';
import type {DataFile} from './data/examples.ts';
import {type PreparedData, prepareData} from './data/prepare.ts';
import type {Wording} from './data/sequences.ts';
import type {WritableAdapter} from './files/factors.ts';
import {ggufAdapter} from './files/gguf.ts';
import {peftAdapter} from './files/peft.ts';
import {zip} from './files/zip.ts';
import type {TrainingHome, TrainingTools} from './home.ts';
import {Keep, type KeptRun} from './keep.ts';
import {planMemory} from './memory.ts';
import {readFile} from './read-file.ts';
import {Run} from './run.ts';
import type {KeptState} from './state-file.ts';

type Settings = KeptRun['settings'];
type Ask<T extends TrainingAsk['act']> = Extract<TrainingAsk, {act: T}>;

/** A job with its files read. */
interface Job {
  settings: Settings;
  memoryBudget: number | null;
  data: DataFile;
  validation: DataFile | null;
  from: readonly LowRankFactors[] | undefined;
}

/** All that a job comes to. */
interface Planned {
  data: PreparedData;
  options: TrainingOptions;
  plan: TrainingPlan;
}

const lockOf = (id: string): string => `gemma-chat-training-${id}`;

/** The trainings of a loaded model. */
export class Trainer {
  readonly #home: TrainingHome;
  readonly #tools: TrainingTools;
  readonly #keep: Keep;
  readonly #runs = new Map<string, Run>();
  /** One run at a time is begun, opened or taken away. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(home: TrainingHome, tools: TrainingTools) {
    this.#home = home;
    this.#tools = tools;
    this.#keep = new Keep(tools.blocks);
  }

  /** @throws GemmaError as `TrainingAsk` and docs/training.md say; AbortError */
  async ask(client: object, ask: TrainingAsk, signal: AbortSignal): Promise<TrainingAnswers[keyof TrainingAnswers]> {
    switch (ask.act) {
      case 'plan':
        return (await this.#planned(await this.#job(ask, signal), signal)).plan;
      case 'start':
        return this.#start(client, ask, signal);
      case 'open':
        return this.#alone(() => this.#begin(client, ask.run, signal));
      case 'watch':
        return this.#watch(client, ask, signal);
      case 'pause':
        return (await this.#runs.get(ask.run)?.pause()) as undefined;
      case 'rest':
        return (await this.#runs.get(ask.run)?.rest()) as undefined;
      case 'cancel':
        return this.#alone(() => this.#cancel(ask.run));
      case 'export':
        return this.#export(ask);
      case 'convert':
        return this.#convert(ask, signal);
      case 'list':
        return this.#list();
      default:
        throw unexpected('act', JSON.stringify((ask as {act?: unknown}).act), 'what this version of the worker knows');
    }
  }

  /** The client is gone. A run that no one watches rests, and is kept. */
  leave(client: object): void {
    for (const run of this.#runs.values()) {
      if (!run.watchers.delete(client) || run.watchers.size > 0) continue;
      void this.#alone(async () => {
        if (run.watchers.size === 0) await run.rest();
      });
    }
  }

  async #start(client: object, ask: Ask<'start'>, signal: AbortSignal): Promise<TrainingInfo> {
    const job = await this.#job(ask, signal);
    const id = await this.#idOf(job);
    return this.#alone(async () => {
      if (this.#runs.has(id)) return this.#begin(client, id, signal);
      if (await this.#keep.run(id)) {
        await this.#open(id, signal, job.from);
        return this.#begin(client, id, signal);
      }
      this.#refuseSecond(id);
      const {plan, options, data} = await this.#planned(job, signal);
      const {settings, from} = job;
      const kept: KeptRun = {
        ...{id, settings, plan, name: settings.name, created: Date.now(), model: await this.#modelKey()},
        ...{batchRows: options.batchRows, from: from !== undefined},
      };
      await this.#keepJob(kept, job);
      this.#hold(kept, data, options, null);
      return this.#begin(client, id, signal);
    });
  }

  async #keepJob(kept: KeptRun, {data, validation}: Job): Promise<void> {
    try {
      await this.#keep.begin(kept, {data: data.bytes, validation: validation?.bytes ?? null});
    } catch (error) {
      await this.#keep.remove(kept.id).catch(() => undefined); // the first error says why
      throw error;
    }
  }

  /** Goes on with a run, if it is not under way. */
  async #begin(client: object, id: string, signal: AbortSignal): Promise<TrainingInfo> {
    const run = this.#runs.get(id) ?? (await this.#open(id, signal, undefined));
    signal.throwIfAborted();
    // One that is running may be about to pause.
    if (run.status === 'running' || run.status === 'paused') run.start();
    else if (run.status !== 'finished') {
      this.#refuseSecond(id);
      for (const other of this.#runs.values()) if (other !== run) await other.rest();
      const unlock = await this.#lock(run);
      run.start();
      void run.done.then(unlock);
    }
    run.watchers.add(client);
    return infoOf(run.kept, run);
  }

  /** @param from the adapter it goes on from, where that is at hand */
  async #open(id: string, signal: AbortSignal, from: Job['from']): Promise<Run> {
    const kept = await this.#keep.run(id);
    if (!kept) throw unknownRun(id);
    if (kept.model !== (await this.#modelKey())) {
      throw new GemmaError(
        'option-invalid',
        `the training ${JSON.stringify(kept.name)} was begun with another model; load that one to go on`,
        {detail: {option: 'run', id}},
      );
    }
    const {data, validation} = await this.#keep.data(id);
    const job: Job = {
      settings: kept.settings,
      memoryBudget: null,
      data: {bytes: data, name: kept.name},
      validation: validation && {bytes: validation, name: `${kept.name} (validation)`},
      from,
    };
    const prepared = await this.#prepare(job, signal);
    const last = await this.#keep.state(id);
    if (!last && kept.from && !from) {
      throw new GemmaError('storage-failed', 'the state of this training is no longer stored; begin it again', {
        detail: {run: id},
      });
    }
    return this.#hold(kept, prepared, {...optionsOf(job), batchRows: kept.batchRows}, last);
  }

  #hold(kept: KeptRun, data: PreparedData, options: TrainingOptions, last: KeptState | null): Run {
    const run = new Run({kept, data, options, home: this.#home, tools: this.#tools, keep: this.#keep}, last);
    this.#runs.set(kept.id, run);
    return run;
  }

  async #watch(client: object, {run: id, after, known}: Ask<'watch'>, signal: AbortSignal) {
    const run = this.#runs.get(id);
    // Another worker had it, or this one before its model was loaded again.
    if (!run) return {status: 'interrupted' as const, points: [], notKept: null};
    if (!Number.isSafeInteger(after) || after < 0) throw unexpected('after', String(after), 'a count of updates');
    if (run.status === 'running' || run.status === 'paused') run.watchers.add(client);
    return run.news(after, known, signal);
  }

  async #cancel(id: string): Promise<undefined> {
    const run = this.#runs.get(id);
    await run?.cancel();
    this.#runs.delete(id);
    await this.#keep.remove(id);
    return undefined;
  }

  async #export({run: id, format}: Ask<'export'>): Promise<TrainingAnswers['export']> {
    const run = this.#runs.get(id);
    const kept = run?.kept ?? (await this.#keep.run(id));
    if (!kept) throw unknownRun(id);
    const state = run ? await run.state() : (await this.#keep.state(id))?.state;
    if (!state) throw new GemmaError('closed', 'this training has not begun; there is no adapter yet');
    const {factors, step} = state;
    return {blob: this.#written({name: kept.name, alpha: kept.settings.alpha, factors}, format), step};
  }

  async #convert({file, name}: Ask<'convert'>, signal: AbortSignal): Promise<Blob> {
    if (!(file instanceof Blob) || !isString(name)) throw unexpected('file', 'no file', 'an adapter in GGUF');
    const {terms} = await readGgufAdapter(blobSource(file, name), this.#base(), signal);
    const factors = [...terms.values()];
    return this.#written({name, alpha: factors[0].scale * factors[0].rank, factors}, 'peft');
  }

  #written(adapter: Pick<WritableAdapter, 'name' | 'alpha' | 'factors'>, format: string): Blob {
    if (!oneOf('gguf', 'peft')(format)) throw unexpected('format', JSON.stringify(format), 'gguf or peft');
    const whole = {...adapter, architecture: this.#base().architecture, base: this.#home.model().info.name};
    return format === 'gguf'
      ? new Blob(ggufAdapter(whole), {type: 'application/octet-stream'})
      : new Blob(zip(peftAdapter(whole)), {type: 'application/zip'});
  }

  async #list(): Promise<TrainingInfo[]> {
    const kept = await this.#keep.list();
    return Promise.all(
      kept.map(async (run) => {
        const open = this.#runs.get(run.id);
        if (open) return infoOf(run, open);
        const step = (await this.#keep.state(run.id))?.state.step ?? 0;
        return infoOf(run, {step, status: step >= run.plan.steps ? 'finished' : 'interrupted'});
      }),
    );
  }

  /** One run is on the GPU: a second is refused by name while the first is at work. */
  #refuseSecond(id: string): void {
    const other = [...this.#runs.values()].find(({status, kept}) => status === 'running' && kept.id !== id);
    if (other) throw busy(other.kept.name, other.kept.id);
  }

  /** No other worker of this site trains the same. Gives the function that lets others. */
  async #lock({kept: {id, name}}: Run): Promise<() => void> {
    const {locks} = this.#tools;
    if (!locks) return () => {};
    const unlock = await new Promise<(() => void) | null>((resolve, reject) => {
      const hold = (lock: unknown) => {
        if (lock === null) return void resolve(null);
        return new Promise<void>((release) => resolve(release));
      };
      const options = {ifAvailable: true};
      locks.request(lockOf(id), options, hold as (lock: unknown) => Promise<void> | undefined).catch(reject);
    });
    if (unlock) return unlock;
    throw busy(name, id);
  }

  async #job(ask: TrainingJob, signal: AbortSignal): Promise<Job> {
    const {settings: given, data, validation, from} = ask;
    checkOptions('train', given, trainingOptions);
    if (!isFile(data)) throw unexpected('data', 'none', 'examples, as a file or an address');
    if (validation !== undefined && !isFile(validation)) throw unexpected('validation', 'none', 'a file or an address');
    if (from !== undefined && !isString(from) && !isModelRef(from)) throw unexpected('from', 'none', 'an adapter');
    const adapter = from === undefined ? undefined : await this.#factors(from, signal);
    const file = await readFile(data, signal);
    const settings = settingsOf(given, file.name, this.#home.model().engine.contextLength, adapter);
    return {
      settings,
      memoryBudget: given.memoryBudget ?? null,
      data: file,
      validation: validation ? await readFile(validation, signal) : null,
      from: adapter,
    };
  }

  async #factors(from: AdapterRef | string, signal: AbortSignal): Promise<LowRankFactors[]> {
    const ref = isString(from) ? this.#home.adapterRef(from as string) : (from as AdapterRef);
    const {terms} = await this.#home.readAdapter(ref, this.#base(), signal);
    return [...terms.values()];
  }

  async #planned(job: Job, signal: AbortSignal): Promise<Planned> {
    const data = await this.#prepare(job, signal);
    const {engine} = this.#home.model();
    const {file} = engine;
    const budget = smaller(job.memoryBudget, this.#tools.trainingRoom(engine));
    const memory = planMemory(this.#tools.planTraining, {
      file,
      options: {...optionsOf(job), batchRows: data.batchRows},
      longest: data.longest - 1,
      budget,
    });
    const {examples, validationExamples, tokens, answerTokens, longest, steps} = data;
    const counts = {examples, validationExamples, tokens, answerTokens, longest, steps};
    const {bytes, parts, options} = memory;
    return {data, options, plan: {bytes, parts: {...parts}, budget, ...counts}};
  }

  #prepare({data, validation, settings}: Job, signal: AbortSignal): Promise<PreparedData> {
    const {epochs, batchTokens, seed, maxLength, validationPart} = settings;
    const options = {epochs, batchTokens, seed, maxLength, validation: validation ?? validationPart};
    return inSlices(prepareData(data, this.#wording(), options), signal);
  }

  #wording(): Wording {
    const {tokenizer, template} = this.#home.model();
    try {
      return {tokenizer, template: template()};
    } catch (error) {
      if ((error as {code?: unknown}).code === 'template-invalid') return {tokenizer, template: null};
      throw error;
    }
  }

  #base() {
    const {metadata, tensors} = this.#home.model().engine.file;
    return {architecture: metadata.string('general.architecture'), tensors};
  }

  /** The same for the same file, wherever it comes from: its name, and what its tensors are. */
  #modelKey(): Promise<string> {
    const {info, engine} = this.#home.model();
    const tensors = [...engine.file.tensors].map(([name, {shape, type}]) => [name, shape, type]);
    return hashOf([info.name, engine.file.size, tensors]);
  }

  async #idOf({settings, data, validation, from}: Job): Promise<string> {
    const factors = from?.map(({tensor, a, b}) => [tensor, a, b] as const) ?? [];
    const parts = [
      JSON.stringify({...settings, name: ''}),
      await this.#modelKey(),
      await sha256Hex(data.bytes),
      validation ? await sha256Hex(validation.bytes) : null,
    ];
    for (const [tensor, ...values] of factors) {
      parts.push(tensor, ...(await Promise.all(values.map((value) => sha256Hex(new Uint8Array(value.buffer))))));
    }
    return (await hashOf(parts)).slice(0, 32);
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function infoOf(
  {id, name, created, plan}: KeptRun,
  {step, status}: Pick<TrainingInfo, 'step' | 'status'>,
): TrainingInfo {
  return {id, name, status, step, steps: plan.steps, created, plan};
}

function settingsOf(
  given: TrainingSettings,
  name: string,
  contextLength: number,
  from: readonly LowRankFactors[] | undefined,
): Settings {
  const {memoryBudget: _, ...rest} = given;
  const known = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const settings = {...TRAINING_DEFAULTS, name, ...(from ? shapeOf(from) : {}), ...known} as Settings;
  const {rank, targets} = settings;
  if (from) {
    const shape = shapeOf(from);
    if (rank !== shape.rank) throw unexpected('rank', String(rank), `${shape.rank}, as the adapter in from has`);
    if ([...targets].sort().join() !== [...shape.targets].sort().join()) {
      throw unexpected('targets', targets.join(', '), `${shape.targets.join(', ')}, as the adapter in from has`);
    }
  }
  const maxLength = Math.min(given.maxLength ?? TRAINING_DEFAULTS.maxLength, contextLength);
  return {...settings, alpha: settings.alpha ?? 2 * rank, maxLength};
}

/** What an adapter changes, as settings say it. */
function shapeOf(factors: readonly LowRankFactors[]): {rank: number; alpha: number; targets: string[]} {
  const [{rank, scale}] = factors;
  if (factors.some((each) => each.rank !== rank || each.scale !== scale)) {
    throw unexpected('from', 'an adapter with several ranks or scales', 'one of the same rank everywhere');
  }
  const names = factors.map(({tensor}) => tensor.replace(/^blk\.\d+\./, '').replace(/\.weight$/, ''));
  return {rank, alpha: scale * rank, targets: [...new Set(names)]};
}

function optionsOf({settings, from}: Job): Omit<TrainingOptions, 'batchRows'> & {batchRows: number} {
  const {rank, alpha, targets, seed, weightDecay} = settings;
  return {rank, alpha, targets, seed, weightDecay, from, batchRows: 0};
}

/** Of two limits that may be unknown. */
const smaller = (a: number | null, b: number | null): number | null => (a === null ? b : Math.min(a, b ?? a));

const isFile = (value: unknown): boolean => isNamedBlob(value) || (isObject(value) && isString(value.url));

function hashOf(value: unknown): Promise<string> {
  return sha256Hex(new TextEncoder().encode(JSON.stringify(value)));
}

function unknownRun(id: unknown): GemmaError {
  return new GemmaError('option-invalid', `no training has the id ${JSON.stringify(String(id).slice(0, 64))}`, {
    detail: {option: 'run'},
  });
}

function busy(name: string, id: string): GemmaError {
  return new GemmaError(
    'model-in-use',
    `the training ${JSON.stringify(name)} is under way; one runs at a time. Wait for its end, or pause it`,
    {detail: {training: name, run: id}},
  );
}
