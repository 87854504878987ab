// The embedding model of this worker, beside the chat's: loaded with the first request for it, given up when it has not been
// asked for a while. Knows no GPU and no file.
import {GemmaError} from '../errors.ts';
import type {Embedded, LoadProgress, ModelRef} from '../protocol/messages.ts';
import type {ModelStore} from '../store/model-store.ts';
import {type LoadedEncoder, loadEncoderModel} from './load-encoder-model.ts';

interface EmbedOptions {
  signal: AbortSignal;
  onProgress?: (progress: LoadProgress) => void;
}
type Load = (ref: ModelRef, store: Promise<ModelStore>, options: EmbedOptions) => Promise<LoadedEncoder>;

interface Slot {
  key: string;
  /** Stops a load that no one waits for. */
  abort: AbortController;
  loading: Promise<LoadedEncoder>;
  /** Requests that wait for it or use it. */
  users: Set<EmbedOptions>;
  loaded: boolean;
  /** When its last user left, by the clock of performance.now(). */
  left: number;
}

/** Milliseconds that it stays without a request. */
const IDLE = 60_000;
/** Texts of one request: OpenAI's limit. */
const MOST_TEXTS = 2048;

/** The embedding model that clients of this worker ask. */
export class EncoderHost {
  readonly #store: Promise<ModelStore>;
  readonly #load: Load;
  readonly #idle: number;
  readonly #names = new WeakMap<Blob, number>();
  #slot: Slot | null = null;
  #named = 0;

  constructor(store: Promise<ModelStore>, load: Load = loadEncoderModel, idle = IDLE) {
    this.#store = store;
    this.#load = load;
    this.#idle = idle;
  }

  /**
   * Vectors of texts. Another model takes the place of the one that is loaded, unless that is being asked.
   * @throws GemmaError `model-in-use`, `option-invalid`, `context-overflow`, and those of a load; AbortError
   */
  async embed(ref: ModelRef, texts: readonly string[], options: EmbedOptions): Promise<Embedded> {
    if (texts.length > MOST_TEXTS) {
      throw new GemmaError('option-invalid', `${texts.length} texts are asked for at once; at most ${MOST_TEXTS} are`, {
        detail: {option: 'input', count: texts.length},
      });
    }
    const slot = this.#slotFor(ref, options);
    slot.users.add(options);
    // Who aborts waits no longer; a load goes on while another waits for it.
    const leave = () => this.#leave(slot, options);
    options.signal.addEventListener('abort', leave);
    try {
      const encoder = await untilAbort(slot.loading, options.signal);
      return await encoder.embed(texts, options.signal);
    } finally {
      options.signal.removeEventListener('abort', leave);
      leave();
    }
  }

  #slotFor(ref: ModelRef, user: EmbedOptions): Slot {
    const key = this.#keyOf(ref);
    const old = this.#slot;
    if (old?.key === key) return old;
    if (old && old.users.size > 0) {
      throw new GemmaError(
        'model-in-use',
        'another embedding model is being asked. One worker holds one: use the same, or wait for its answers',
        {detail: {requests: old.users.size}},
      );
    }
    if (old) this.#drop(old);
    const abort = new AbortController();
    const users = new Set([user]);
    const onProgress = (progress: LoadProgress): void => {
      for (const user of users) user.onProgress?.(progress);
    };
    const loading = this.#load(ref, this.#store, {signal: abort.signal, onProgress});
    const slot: Slot = {key, abort, loading, users, loaded: false, left: 0};
    this.#slot = slot;
    loading.then(
      // A lost device, or a model that was given up: the next request loads it again.
      ({lost}) => {
        slot.loaded = true;
        void lost.then(() => this.#drop(slot));
      },
      () => this.#drop(slot),
    );
    return slot;
  }

  #leave(slot: Slot, user: EmbedOptions): void {
    if (!slot.users.delete(user) || slot.users.size > 0) return;
    if (!slot.loaded) {
      this.#drop(slot);
      return;
    }
    slot.left = performance.now();
    setTimeout(() => {
      if (slot.users.size === 0 && performance.now() - slot.left >= this.#idle) this.#drop(slot);
    }, this.#idle + 1);
  }

  /** Idempotent. */
  #drop(slot: Slot): void {
    if (slot.abort.signal.aborted) return;
    if (this.#slot === slot) this.#slot = null;
    slot.abort.abort(new DOMException('no one waits for this model any more', 'AbortError'));
    slot.loading.then(
      ({destroy}) => destroy(),
      () => undefined,
    );
  }

  #keyOf(ref: ModelRef): string {
    const names = 'url' in ref ? [ref.url] : ref.files.map(({blob}) => `blob ${this.#nameOf(blob)}`);
    return [ref.integrity ?? '', ...names].join(' ');
  }

  #nameOf(blob: Blob): number {
    const name = this.#names.get(blob) ?? ++this.#named;
    this.#names.set(blob, name);
    return name;
  }
}

function untilAbort<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop);
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
