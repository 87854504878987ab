// The specification's "create an AI model object": what all these interfaces do between `create()` and the object. Owns
// the order of checks, the visitor's gesture, the monitor's events and what an abort ends. Knows no interface.
import type {Availability} from './availability.ts';
import {toException} from './failure.ts';
import type {ModelSource, PromptClient} from './model-source.ts';
import {abortSignal, checkActive, EventHandler, exception, nextTask, unlessAborted, visitorActed} from './platform.ts';

/** Hears of a download: `downloadprogress` with `loaded` from 0 to 1 in steps of 1/65536. */
export class CreateMonitor extends EventTarget {
  readonly #progress = new EventHandler(this, 'downloadprogress');

  get ondownloadprogress(): ((event: Event) => unknown) | null {
    return this.#progress.value;
  }

  set ondownloadprogress(handler: ((event: Event) => unknown) | null) {
    this.#progress.value = handler;
  }
}

/** Options that every `create()` has. */
export interface CreateOptions {
  signal?: AbortSignal;
  monitor?: (monitor: CreateMonitor) => void;
}

/** What can be destroyed, for a reason that its pending and later calls reject with. */
export interface Destroyable {
  end(reason: unknown): void;
}

/** Least milliseconds between two events of a download. */
const INTERVAL = 50;
const STEPS = 65536;

/** `loaded` of events: 0 first, rising, 1 last, none after an abort. */
class Progress {
  readonly #monitor: CreateMonitor | null;
  readonly #signal: AbortSignal | undefined;
  #loaded = -1;
  #time = Number.NEGATIVE_INFINITY;

  constructor(monitor: CreateMonitor | null, signal: AbortSignal | undefined) {
    this.#monitor = monitor;
    this.#signal = signal;
  }

  /** 1 is for the end alone: a download is not over when its last byte has come. */
  tell(fraction: number): void {
    const now = performance.now();
    if (now - this.#time < INTERVAL) return;
    if (this.#fire(Math.min(fraction, 1 - 1 / STEPS))) this.#time = now;
  }

  async begin(): Promise<void> {
    this.#fire(0);
    await nextTask();
  }

  async end(): Promise<void> {
    this.#fire(1);
    await nextTask();
  }

  #fire(fraction: number): boolean {
    const loaded = Math.floor(fraction * STEPS) / STEPS;
    if (!this.#monitor || this.#signal?.aborted || !(loaded > this.#loaded)) return false;
    this.#loaded = loaded;
    this.#monitor.dispatchEvent(progressEvent(loaded));
    return true;
  }
}

function progressEvent(loaded: number): Event {
  const init = {loaded, total: 1, lengthComputable: true};
  if (typeof ProgressEvent === 'function') return new ProgressEvent('downloadprogress', init);
  return Object.assign(new Event('downloadprogress'), init);
}

/**
 * Makes an object over the page's model.
 * @param source null where the page has named no model
 * @param availability of the options: what the model itself says is added here
 * @param build from the client to the object; what it throws rejects
 */
export async function createModel<T extends Destroyable>(
  {signal: given, monitor: callback}: CreateOptions,
  source: ModelSource | null,
  availability: Availability,
  build: (client: PromptClient, signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  checkActive();
  const signal = abortSignal(given);
  signal?.throwIfAborted();
  const monitor = callback === undefined ? null : new CreateMonitor();
  if (monitor) callback?.(monitor);
  const progress = new Progress(monitor, signal);
  const made = await unlessAborted([signal], async () => {
    const state = availability === 'unavailable' || !source ? 'unavailable' : await stateOf(source);
    if (state === 'unavailable' || !source) throw unavailable(source);
    if (state === 'downloadable' && !visitorActed()) {
      throw exception('NotAllowedError', 'the model must be downloaded first, and that needs a gesture of the visitor');
    }
    await progress.begin();
    signal?.throwIfAborted();
    const client = await source.open({signal, onFraction: (fraction) => progress.tell(fraction)}).catch((error) => {
      throw toException(error, 'OperationError');
    });
    return finish(client, source, signal, progress, build);
  });
  signal?.addEventListener('abort', () => made.end(signal.reason), {once: true});
  return made;
}

async function finish<T extends Destroyable>(
  client: PromptClient,
  source: ModelSource,
  signal: AbortSignal | undefined,
  progress: Progress,
  build: (client: PromptClient, signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  try {
    await progress.end();
    signal?.throwIfAborted();
    const made = await build(client, signal);
    await nextTask();
    signal?.throwIfAborted();
    return made;
  } catch (error) {
    source.release();
    throw signal?.aborted ? error : toException(error, 'OperationError');
  }
}

async function stateOf(source: ModelSource): Promise<Availability> {
  try {
    return await source.availability();
  } catch (error) {
    // The specification's null: it may be otherwise the next time.
    throw toException(error, 'UnknownError');
  }
}

function unavailable(source: ModelSource | null): DOMException {
  const message = source
    ? 'the model cannot do what the options ask for, or not run here'
    : 'no model is named: call configure({modelSrc}) of gemma-chat/language-model';
  return exception('NotSupportedError', message);
}
