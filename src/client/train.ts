// `gemma-chat/train`: teaches a loaded model from examples, beside its chats. Owns what the functions check and how a run is
// followed; the worker trains. Imports types only: what it needs it takes from the client that it is handed.
import type {AdapterInfo, AdapterRef} from '../protocol/messages.ts';
import {
  type ExportFormat,
  type TrainingAnswers,
  type TrainingAsk,
  type TrainingFile,
  type TrainingInfo,
  type TrainingJob,
  type TrainingNews,
  type TrainingPlan,
  type TrainingPoint,
  type TrainingSettings,
  type TrainingStatus,
  trainingOptions,
} from '../protocol/training.ts';
import type {Handed} from './adapters.ts';
import type {GemmaClient} from './gemma-client.ts';
import type {ChatMessageParam} from './shapes.ts';

export type {ExportFormat, TrainingInfo, TrainingPlan, TrainingStatus} from '../protocol/training.ts';

/** What is learned: the assistant's messages, but those of `weight: 0`; or what `completion` answers to `prompt`. */
export type TrainingExample =
  | {messages: readonly (ChatMessageParam & {weight?: 0 | 1})[]; tools?: readonly object[]}
  | {prompt: string; completion: string};

/** Examples: objects, or JSONL with one of them a line, as a file or at an address relative to the page. */
export type TrainingData = readonly TrainingExample[] | Blob | string | URL;

/** What is trained: low-rank terms on some of the model's matrices. */
export interface AdapterOptions {
  /** Default 16, or that of `from`. */
  rank?: number;
  /** The terms' scale is alpha / rank. Default: twice the rank. */
  alpha?: number;
  /** Names of matrices without their layer. Default: the seven of attention and feed-forward. */
  targets?: readonly string[];
  /** An adapter to go on from, which stays as it is: the id of a loaded one, or its files. */
  from?: string | URL | Blob | readonly File[];
}

export interface TrainOptions
  extends Pick<TrainingSettings, 'name' | 'epochs' | 'learningRate' | 'schedule' | 'warmup'> {
  data: TrainingData;
  adapter?: AdapterOptions;
  /** Tokens of an update, about. Default 1024. */
  batchTokens?: number;
  /** Tokens that an example may have. Default 512. */
  maxLength?: number;
  /** Examples that are only measured: their own, or a part of `data` from 0 to 0.5. Default 0. */
  validation?: TrainingData | number;
  /** Of the first values and of the order of examples. Default 0. */
  seed?: number;
  weightDecay?: number;
  /** Bytes on the GPU that training may take. */
  memoryBudget?: number;
  /** Stops it; what it has learned is kept, and the same call goes on. */
  signal?: AbortSignal;
}

/** One update. */
export interface TrainingProgress extends TrainingPoint {
  /** Updates of the whole run. */
  steps: number;
}

/** An adapter that was trained, loaded: requests can name its `id`. */
export interface TrainedAdapter extends AdapterInfo {
  /** Updates before it. */
  step: number;
  /** A file: GGUF as llama.cpp reads it, or a ZIP archive of the two files that PEFT reads. */
  export(format: ExportFormat): Promise<Blob>;
}

const anything = {check: () => true, expected: ''};
const {validationPart, rank, alpha, targets, ...runOptions} = trainingOptions;
const adapterSpecs = {rank, alpha, targets, from: anything};

/**
 * Begins to train, or goes on where the same training was left: the same data and options with the same model are the same
 * run. Chats are answered meanwhile.
 * @throws GemmaError `training-data-invalid` with the number of the line, `out-of-memory` with what would fit, `option-invalid`,
 *   `option-unknown`, `model-in-use` while another training is under way, `storage-full`, `architecture-unsupported`; AbortError
 */
export async function train(client: GemmaClient, options: TrainOptions): Promise<TrainingRun> {
  const job = jobOf(client.handed, options);
  const info = await ask(client.handed, {act: 'start', ...job}, options.signal);
  return new TrainingRun(client, info, options.signal);
}

/** What `train` would take, without beginning. @throws GemmaError as train */
export function planTraining(client: GemmaClient, options: TrainOptions): Promise<TrainingPlan> {
  return ask(client.handed, {act: 'plan', ...jobOf(client.handed, options)}, options.signal);
}

/** Trainings of this site that are kept, the newest first. */
export function trainings(client: GemmaClient): Promise<TrainingInfo[]> {
  return ask(client.handed, {act: 'list'});
}

/** Goes on with a training that is kept, by its id. @throws GemmaError as train */
export async function resumeTraining(
  client: GemmaClient,
  id: string,
  {signal}: {signal?: AbortSignal} = {},
): Promise<TrainingRun> {
  const info = await ask(client.handed, {act: 'open', run: textOf(client.handed, id)}, signal);
  return new TrainingRun(client, info, signal);
}

/** Deletes a training. Adapters that were loaded from it stay loaded. */
export async function removeTraining(client: GemmaClient, id: string): Promise<void> {
  await ask(client.handed, {act: 'cancel', run: textOf(client.handed, id)});
}

/** A training. Reading it with `for await` gives every update from the first on, and ends with the training. */
export class TrainingRun implements AsyncIterable<TrainingProgress> {
  /** The same data and options with the same model have the same. */
  readonly id: string;
  readonly name: string;
  /** What it takes. */
  readonly plan: TrainingPlan;
  readonly #client: GemmaClient;
  readonly #signal: AbortSignal | undefined;
  #status: TrainingStatus;
  #notKept: TrainingNews['notKept'] = null;

  /** @internal */
  constructor(client: GemmaClient, {id, name, plan, status}: TrainingInfo, signal: AbortSignal | undefined) {
    this.#client = client;
    this.id = id;
    this.name = name;
    this.plan = plan;
    this.#status = status;
    this.#signal = signal;
    const rest = () => void this.#ask({act: 'rest', run: id}).catch(() => undefined);
    signal?.addEventListener('abort', rest);
    if (signal?.aborted) rest();
  }

  /** As far as it is known here: reading the updates tells. */
  get status(): TrainingStatus {
    return this.#status;
  }

  /** Why its last state could not be kept, a full disk most often; training goes on. */
  get notKept(): TrainingNews['notKept'] {
    return this.#notKept;
  }

  /** Stops at once and keeps the state. The memory on the GPU stays taken. */
  async pause(): Promise<void> {
    await this.#ask({act: 'pause', run: this.id});
    if (this.#status === 'running') this.#status = 'paused';
  }

  /** Goes on after `pause`, or after it was interrupted. @throws GemmaError as train */
  async resume(): Promise<void> {
    this.#status = (await this.#ask({act: 'open', run: this.id})).status;
  }

  /** Ends it and deletes what is kept of it. */
  async cancel(): Promise<void> {
    await this.#ask({act: 'cancel', run: this.id});
    this.#status = 'cancelled';
  }

  /** What it has learned so far, loaded as an adapter. Unload it as any other. @throws GemmaError as adapters.load */
  async adapter(): Promise<TrainedAdapter> {
    const {blob, step} = await this.#ask({act: 'export', run: this.id, format: 'gguf'});
    // The same update of the same run is the same adapter, and no other is.
    const file = new File([blob], `${this.name} ${this.id.slice(0, 8)} ${step}.gguf`, {lastModified: 0});
    const info = await this.#client.adapters.load({file});
    const convert = () => this.#ask({act: 'convert', file, name: this.name});
    return {...info, step, export: async (format) => (format === 'gguf' ? file : convert())};
  }

  /** The same as a file. @throws GemmaError `option-invalid`, `closed` before the first update */
  async export(format: ExportFormat): Promise<Blob> {
    return (await this.#ask({act: 'export', run: this.id, format})).blob;
  }

  /** @throws GemmaError what it failed with; AbortError */
  async *[Symbol.asyncIterator](): AsyncGenerator<TrainingProgress, void, undefined> {
    let after = 0;
    let known: TrainingStatus | null = null;
    for (;;) {
      const watch = {act: 'watch', run: this.id, after, known} as const;
      const news: TrainingNews = await this.#ask(watch, this.#signal).catch((error) => {
        if (!this.#signal?.aborted) this.#status = 'failed';
        throw error;
      });
      known = this.#status = news.status;
      this.#notKept = news.notKept;
      for (const point of news.points) yield {...point, steps: this.plan.steps};
      after += news.points.length;
      if (news.points.length > 0) continue;
      if (known === 'finished' || known === 'cancelled') return;
      // Another worker has taken over, or the model was loaded again.
      if (known === 'interrupted') await this.resume();
    }
  }

  #ask<T extends TrainingAsk>(asked: T, signal?: AbortSignal): Promise<TrainingAnswers[T['act']]> {
    return ask(this.#client.handed, asked, signal);
  }
}

function ask<T extends TrainingAsk>(
  {connection}: Handed,
  asked: T,
  signal?: AbortSignal,
): Promise<TrainingAnswers[T['act']]> {
  // Asked again where the worker ends meanwhile: the next one finds the run in the store.
  return connection.call((caller) => caller.call({type: 'train', ask: asked}, {signal})) as never;
}

function jobOf(handed: Handed, options: TrainOptions): TrainingJob {
  const specs = {...runOptions, data: anything, adapter: anything, validation: anything, signal: handed.signal};
  handed.checkOptions('train', options, specs);
  const {data, adapter = {}, validation, signal: _, ...settings} = options;
  handed.checkOptions('train', adapter, adapterSpecs);
  const {from, ...shape} = adapter;
  const part = typeof validation === 'number' ? validation : undefined;
  handed.checkOptions('train', {validation: part}, {validation: validationPart});
  return {
    data: fileOf(handed, 'data', data),
    ...(validation !== undefined && part === undefined
      ? {validation: fileOf(handed, 'validation', validation as TrainingData)}
      : {}),
    ...(from === undefined ? {} : {from: refOf(handed, from)}),
    settings: {...settings, ...shape, validationPart: part},
  };
}

function fileOf({base, found, unexpected}: Handed, option: string, data: TrainingData): TrainingFile {
  const wrong = () => unexpected(option, found(data), 'examples, or JSONL as a File or an address');
  if (data instanceof Blob) return {blob: data, name: data instanceof File ? data.name : option};
  if (typeof data === 'string' || data instanceof URL) {
    try {
      return {url: new URL(data, base).href};
    } catch {
      throw wrong();
    }
  }
  if (!Array.isArray(data)) throw wrong();
  const lines = data.map((example: unknown, i) => {
    try {
      return `${JSON.stringify(example)}\n`;
    } catch {
      throw unexpected(option, `an array whose entry ${i} is no plain data`, 'examples');
    }
  });
  return {blob: new Blob(lines), name: option};
}

/** An id is no address: only what looks like a file is one. */
function refOf({base, modelRef}: Handed, from: NonNullable<AdapterOptions['from']>): AdapterRef | string {
  return typeof from === 'string' ? from : modelRef(from, base);
}

function textOf({found, unexpected}: Handed, id: string): string {
  if (typeof id !== 'string') throw unexpected('id', found(id), 'the id of a training, as in trainings()');
  return id;
}
