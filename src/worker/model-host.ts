// The one model of this worker. Owns when it is loaded, who waits for it, who uses it and when it goes. Knows neither
// how a model is loaded nor what it is asked.
import {GemmaError} from '../errors.ts';
import type {ModelOptions} from '../model-options.ts';
import type {LoadProgress, ModelRef, NamedBlob} from '../protocol/messages.ts';
import {readAdapter} from './adapter-files.ts';
import {AdapterHost} from './adapter-host.ts';
import type {LoadedModel, LoadModel} from './loaded-model.ts';
import {Meter} from './meter.ts';
import {Scheduler} from './scheduler.ts';
import {type OpenTraining, TrainingHost} from './training-host.ts';
import {type Clock, Watchdog} from './watchdog.ts';

/** A loaded model and everything that lives and dies with it. */
export interface Instance {
  /** Another one, of the same file, after the device was lost. */
  model: LoadedModel;
  readonly scheduler: Scheduler;
  readonly meter: Meter;
  readonly adapters: AdapterHost;
  readonly training: TrainingHost;
}

/** Who uses the model: one client. */
export interface ModelUser {
  /** The device is gone, and the instance with it. */
  lost(error: GemmaError): void;
}

/** A client's load. Of clients that join one, only `contextLength` counts. */
export interface HostLoadOptions extends ModelOptions {
  onProgress?(progress: LoadProgress): void;
  signal?: AbortSignal;
  /** How long the model stays on the GPU without a client, in milliseconds. The last to ask decides. */
  idleTimeout?: number;
}

/** Tests bring a clock of their own. */
export interface HostClock extends Clock {
  /** Calls back once after `ms`, unless the returned function is called before. */
  after(ms: number, then: () => void): () => void;
}

interface Slot {
  readonly key: string;
  readonly name: string;
  readonly abort: AbortController;
  /** Clients that wait for the load or use the model. */
  readonly users: Set<ModelUser>;
  readonly listeners: Set<(progress: LoadProgress) => void>;
  progress: LoadProgress;
  readonly instance: Promise<Instance>;
  ready: Instance | null;
  readonly ref: ModelRef;
  /** Those of the client that began the load. */
  readonly options: ModelOptions;
  idleTimeout: number;
  /** Stops the timer that runs while no one uses the model. */
  stopIdle: () => void;
  /** Losses of the device since an answer was last finished. */
  losses: number;
  /** The device is lost, and the model is being loaded again. */
  recovering: boolean;
  completed: number;
}

const DEFAULT_IDLE_MS = 60_000;
/** Before each attempt to get a device again; then it is given up. */
const RETRY_AFTER_MS = [0, 1000, 4000] as const;

const hostClock: HostClock = {
  now: () => performance.now(),
  every(ms, look) {
    const timer = setInterval(look, ms);
    return () => clearInterval(timer);
  },
  after(ms, then) {
    // A longer one would end at once; so many milliseconds are 24 days.
    const timer = setTimeout(then, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

/** The model of this worker, if it has one. */
export class ModelHost {
  readonly #load: LoadModel;
  readonly #keys = new WeakMap<Blob, string>();
  #slot: Slot | null = null;
  #blobs = 0;
  /** Until the load before has ended, one way or the other. */
  #settled: Promise<void> = Promise.resolve();

  readonly #clock: HostClock;
  #recoveries = 0;

  readonly #openTraining: OpenTraining | undefined;

  constructor(load: LoadModel, clock: HostClock = hostClock, openTraining?: OpenTraining) {
    this.#load = load;
    this.#openTraining = openTraining;
    this.#clock = clock;
  }

  /** How often a lost device was replaced. */
  get recoveries(): number {
    return this.#recoveries;
  }

  get instance(): Instance | null {
    return this.#slot?.ready ?? null;
  }

  /**
   * The model, loaded once however many ask for it, before, during or after the load. A client has one model: asking
   * for another lets go of the first.
   * @throws GemmaError `model-in-use` while other clients have another model, or this one with a smaller context;
   *   AbortError: the load itself goes on while anyone still waits for it
   */
  async load(user: ModelUser, ref: ModelRef, options: HostLoadOptions = {}): Promise<Instance> {
    options.signal?.throwIfAborted();
    const key = this.#keyOf(ref);
    const held = this.#slot;
    if (held && held.key !== key) this.#replace(held, user, `${held.name} is loaded and in use by another client`);
    const slot = this.#slot ?? this.#begin(key, ref, options);
    slot.stopIdle();
    slot.idleTimeout = options.idleTimeout ?? slot.idleTimeout;
    const instance = await this.#join(slot, user, options);
    const {contextLength} = instance.model.engine;
    if (options.contextLength === undefined || options.contextLength <= contextLength) return instance;
    this.#replace(slot, user, `${slot.name} is in use by another client with a context of ${contextLength}`);
    return this.load(user, ref, options);
  }

  /** Whether this model is loaded, or being loaded. */
  holds(ref: ModelRef): boolean {
    return this.#slot?.key === this.#keyOf(ref);
  }

  /**
   * The client wants the model no more. A load that no one waits for is stopped; a loaded model stays a while for the
   * next.
   */
  release(user: ModelUser): void {
    const slot = this.#slot;
    slot?.ready?.adapters.leave(user);
    slot?.ready?.training.leave(user);
    if (!slot?.users.delete(user)) return;
    if (slot.users.size > 0) return;
    if (slot.ready) slot.stopIdle = this.#clock.after(slot.idleTimeout, () => this.#discard(slot));
    else this.#discard(slot);
  }

  /** Resolves when no load that no one waits for holds anything any more. One that goes on is not waited for. */
  async stopped(): Promise<void> {
    if (!this.#slot) await this.#settled;
  }

  #begin(key: string, ref: ModelRef, given: HostLoadOptions): Slot {
    const {onProgress: _, signal: __, idleTimeout: ___, ...options} = given;
    const slot: Slot = {
      key,
      name: nameOf(ref),
      abort: new AbortController(),
      users: new Set(),
      listeners: new Set(),
      progress: {phase: 'connect', fraction: 0, loadedBytes: 0, totalBytes: 0},
      ready: null,
      ref,
      options,
      idleTimeout: DEFAULT_IDLE_MS,
      stopIdle: () => {},
      losses: 0,
      recovering: false,
      completed: 0,
      instance: this.#settled.then(() => this.#fill(slot, ref)),
    };
    this.#slot = slot;
    // The next load begins when this one has let go of its memory; its failure is told to those who wait for it.
    this.#settled = slot.instance.then(
      () => undefined,
      () => undefined,
    );
    return slot;
  }

  async #fill(slot: Slot, ref: ModelRef): Promise<Instance> {
    const {signal} = slot.abort;
    try {
      signal.throwIfAborted();
      const onProgress = (progress: LoadProgress): void => {
        // Never goes back, whatever the phases say.
        slot.progress = {...progress, fraction: Math.max(progress.fraction, slot.progress.fraction)};
        for (const listener of slot.listeners) listener(slot.progress);
      };
      const model = await this.#load(ref, {...slot.options, onProgress, signal});
      if (signal.aborted) {
        model.destroy();
        throw signal.reason;
      }
      const meter = new Meter();
      const watchdog = new Watchdog((ms) => this.#lose(slot, slot.ready?.model, stuck(ms)), this.#clock);
      const scheduler = new Scheduler(model.engine, {meter, watchdog, recovers: true});
      const adapters = new AdapterHost(() => slot.ready!.model.engine, readAdapter);
      const training = new TrainingHost(
        {
          model: () => slot.ready!.model,
          aside: (work) => scheduler.aside(work),
          readAdapter,
          adapterRef: (id) => adapters.ref(id),
        },
        this.#openTraining,
      );
      slot.ready = {model, meter, scheduler, adapters, training};
      this.#follow(slot, model);
      return slot.ready;
    } catch (error) {
      if (this.#slot === slot) this.#slot = null;
      throw error;
    }
  }

  /** Waits for the slot's load as long as the client wants to. */
  async #join(slot: Slot, user: ModelUser, {onProgress, signal}: HostLoadOptions): Promise<Instance> {
    slot.users.add(user);
    const listener = onProgress ?? (() => {});
    slot.listeners.add(listener);
    if (!slot.ready) listener(slot.progress);
    let leave = (): void => {};
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(signal?.reason);
      signal?.addEventListener('abort', leave);
    });
    try {
      return await Promise.race([slot.instance, left]);
    } catch (error) {
      if (this.#slot === slot) this.release(user);
      else slot.users.delete(user);
      throw error;
    } finally {
      slot.listeners.delete(listener);
      signal?.removeEventListener('abort', leave);
    }
  }

  /** Makes room for another load, if only `user` is concerned. */
  #replace(slot: Slot, user: ModelUser, inUse: string): void {
    const others = slot.users.size - (slot.users.has(user) ? 1 : 0);
    if (others > 0) {
      throw new GemmaError('model-in-use', `${inUse}. One worker holds one model: use the same, or close the others`, {
        detail: {clients: others},
      });
    }
    this.#discard(slot);
  }

  #discard(slot: Slot): void {
    if (this.#slot === slot) this.#slot = null;
    slot.stopIdle();
    slot.abort.abort(new DOMException('no one waits for this model any more', 'AbortError'));
    slot.ready?.scheduler.fail(new GemmaError('closed', 'the model was unloaded; load it again'));
    slot.ready?.model.destroy();
  }

  #follow(slot: Slot, model: LoadedModel): void {
    void model.engine.lost.then((error) => this.#lose(slot, model, error));
  }

  /** Loads the model again, from where it is stored, and lets the conversations go on. */
  #lose(slot: Slot, model: LoadedModel | undefined, error: GemmaError): void {
    const {ready} = slot;
    // A model that was replaced, or given up because a step was stuck, has destroyed its own device: expected; ignored.
    if (this.#slot !== slot || !ready || ready.model !== model || slot.recovering) return;
    slot.recovering = true;
    ready.scheduler.suspend();
    model.destroy();
    if (ready.scheduler.completed > slot.completed) slot.losses = 0;
    slot.completed = ready.scheduler.completed;
    void this.#recover(slot, ready, error);
  }

  async #recover(slot: Slot, instance: Instance, error: GemmaError): Promise<void> {
    const {contextLength} = instance.model.engine;
    const {signal} = slot.abort;
    let attempt: GemmaError | undefined;
    for (; slot.losses < RETRY_AFTER_MS.length; ) {
      await new Promise<void>((resolve) => this.#clock.after(RETRY_AFTER_MS[slot.losses], resolve));
      slot.losses += 1;
      if (signal.aborted) return;
      try {
        const {ref, options} = slot;
        const model = await this.#load(ref, {...options, contextLength, onProgress: () => {}, signal});
        if (signal.aborted) return model.destroy();
        instance.model = model;
        await instance.adapters.reload();
        if (signal.aborted) return model.destroy();
        this.#recoveries += 1;
        slot.recovering = false;
        this.#follow(slot, model);
        instance.scheduler.resume(model.engine);
        return;
      } catch (reason) {
        if (signal.aborted) return;
        attempt = GemmaError.from(reason);
      }
    }
    if (this.#slot === slot) this.#slot = null;
    // The first reason says more than that of a failed attempt, which is kept beside it.
    const {code, message} = attempt ?? error;
    const lost = new GemmaError(error.code, error.message, {detail: {...error.detail, attempt: `${code}: ${message}`}});
    instance.scheduler.fail(lost);
    for (const user of slot.users) user.lost(lost);
  }

  #keyOf(ref: ModelRef): string {
    const where = 'url' in ref ? ref.url : ref.files.map((file) => this.#fileKey(file)).join(' ');
    return ref.integrity === undefined ? where : `${where} ${ref.integrity}`;
  }

  #fileKey({blob, name}: NamedBlob): string {
    // The same file chosen in two tabs is one model; of a bare Blob only the object itself says which it is.
    if (typeof File !== 'undefined' && blob instanceof File) {
      return `file:${JSON.stringify([name, blob.size, blob.lastModified])}`;
    }
    const key = this.#keys.get(blob) ?? `blob:${++this.#blobs}`;
    this.#keys.set(blob, key);
    return key;
  }
}

function stuck(ms: number): GemmaError {
  return new GemmaError(
    'device-lost',
    `the GPU did not finish a step within ${Math.round(ms / 1000)} s and was given up. Reload the page; if it happens again, use a smaller model`,
    {detail: {ms}},
  );
}

function nameOf(ref: ModelRef): string {
  return 'url' in ref ? ref.url.replace(/[?#].*$/, '') : ref.files[0].name;
}
