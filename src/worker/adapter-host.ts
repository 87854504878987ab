// The adapters of the loaded model: each on the GPU once, however many clients have loaded it, as long as one of them is
// there or an answer uses it. Knows no file format and no kernel.
import type {Adapter, BaseModel} from '../adapters/adapter.ts';
import type {Engine, EngineAdapter, SequenceAdapter} from '../engine/engine.ts';
import {GemmaError} from '../errors.ts';
import type {AdapterInfo, AdapterRef, AdapterUse} from '../protocol/messages.ts';

type Read = (ref: AdapterRef, base: BaseModel, signal: AbortSignal) => Promise<Adapter>;

interface Held {
  readonly ref: AdapterRef;
  readonly id: string;
  /** Clients that have loaded it. */
  readonly holders: Set<object>;
  /** Answers that use it. */
  answers: number;
  readonly abort: AbortController;
  loading: Promise<AdapterInfo>;
  info: AdapterInfo | null;
  invocationTokens: readonly number[];
  engine: EngineAdapter | null;
}

/** What one answer uses, until it ends. */
export interface UsedAdapters {
  /** On the engine of now: another one after the device was lost. */
  list(): SequenceAdapter[];
  release(): void;
}

/** Lives as long as its model, and longer than an engine of it. */
export class AdapterHost {
  readonly #engine: () => Engine;
  readonly #read: Read;
  readonly #held = new Map<string, Held>();

  constructor(engine: () => Engine, read: Read) {
    this.#engine = engine;
    this.#read = read;
  }

  /** Loads an adapter, or joins those who have. @throws GemmaError: the reader's, `out-of-memory`; AbortError */
  async load(holder: object, ref: AdapterRef, signal: AbortSignal): Promise<AdapterInfo> {
    const id = idOf(ref);
    const held = this.#held.get(id) ?? this.#begin(id, ref);
    held.holders.add(holder);
    const stop = (): void => this.#release(held, holder);
    signal.addEventListener('abort', stop);
    try {
      const info = await held.loading;
      signal.throwIfAborted();
      return info;
    } catch (error) {
      this.#release(held, holder);
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Those that can be used. */
  list(): AdapterInfo[] {
    return [...this.#held.values()].flatMap(({info}) => (info ? [info] : []));
  }

  /** The files of an adapter. @throws GemmaError `option-invalid` for one that is not loaded */
  ref(id: string): AdapterRef {
    const held = this.#held.get(id);
    if (!held) throw unknown(id);
    return held.ref;
  }

  /** The client needs it no more. Answers that use it end as they began. @throws GemmaError `option-invalid` */
  unload(holder: object, id: string): void {
    const held = this.#held.get(id);
    if (!held?.holders.has(holder)) throw unknown(id);
    this.#release(held, holder);
  }

  /** The client is gone. */
  leave(holder: object): void {
    for (const held of this.#held.values()) if (held.holders.has(holder)) this.#release(held, holder);
  }

  /**
   * What an answer to `prompt` uses. An activated adapter has effect from its invocation tokens on, where they stand last.
   * @throws GemmaError `option-invalid` for one that is not loaded
   */
  use(wanted: readonly AdapterUse[] | undefined, prompt: readonly number[]): UsedAdapters {
    const used = (wanted ?? []).map(({id, scale = 1}) => {
      const held = this.#held.get(id);
      if (!held?.info) throw unknown(id);
      return {held, scale, from: begins(prompt, held.invocationTokens)};
    });
    for (const {held} of used) held.answers++;
    let released = false;
    return {
      list: () =>
        used
          .filter(({from}) => from >= 0)
          .map(({held, scale, from}) => {
            if (held.engine) return {adapter: held.engine, scale, from};
            throw new GemmaError('closed', `the adapter ${held.id} was lost with the GPU device; load it again`);
          }),
      release: () => {
        if (released) return;
        released = true;
        for (const {held} of used) {
          held.answers--;
          this.#drop(held);
        }
      },
    };
  }

  /** The model is on another device: so are the adapters from now on. One that cannot be read any more is lost. */
  async reload(): Promise<void> {
    for (const held of this.#held.values()) {
      if (!held.info) continue;
      held.engine = null;
      try {
        await this.#fill(held);
      } catch {
        // Answers that use it say so.
      }
    }
  }

  #begin(id: string, ref: AdapterRef): Held {
    const held: Held = {
      ref,
      id,
      holders: new Set(),
      answers: 0,
      abort: new AbortController(),
      loading: Promise.resolve(null as never),
      info: null,
      invocationTokens: [],
      engine: null,
    };
    this.#held.set(id, held);
    held.loading = this.#fill(held);
    held.loading.catch(() => {
      if (this.#held.get(id) === held) this.#held.delete(id);
    });
    return held;
  }

  async #fill(held: Held): Promise<AdapterInfo> {
    const {signal} = held.abort;
    const engine = this.#engine();
    const {metadata, tensors} = engine.file;
    const base = {architecture: metadata.string('general.architecture'), tensors};
    const {name, terms, invocationTokens, ignored} = await this.#read(held.ref, base, signal);
    const loaded = await engine.loadAdapter([...terms.values()]);
    if (signal.aborted) {
      await engine.unloadAdapter(loaded);
      throw signal.reason;
    }
    held.engine = loaded;
    held.invocationTokens = invocationTokens;
    held.info = {
      id: held.id,
      name,
      bytes: loaded.bytes,
      tensors: terms.size - loaded.dropped.length,
      dropped: [...loaded.dropped, ...ignored],
      activated: invocationTokens.length > 0,
    };
    return held.info;
  }

  async #unload(adapter: EngineAdapter): Promise<void> {
    await this.#engine().unloadAdapter(adapter);
  }

  #release(held: Held, holder: object): void {
    held.holders.delete(holder);
    this.#drop(held);
  }

  /** Takes it off the GPU once no one needs it. */
  #drop(held: Held): void {
    if (held.holders.size > 0) return;
    // Not to be used by new answers.
    if (this.#held.get(held.id) === held) this.#held.delete(held.id);
    if (held.answers > 0) return;
    held.abort.abort(new DOMException('no one waits for this adapter any more', 'AbortError'));
    const {engine} = held;
    held.engine = null;
    // An engine that is lost has nothing to give back.
    if (engine) this.#unload(engine).catch(() => undefined);
  }
}

/** The same file is the same adapter, whichever client loads it. */
function idOf(ref: AdapterRef): string {
  const where =
    'url' in ref
      ? ref.url
      : ref.files
          .map(({blob, name}) => ['file', name, blob.size, (blob as Partial<File>).lastModified ?? ''].join(':'))
          .sort()
          .join(' ');
  return ref.integrity === undefined ? where : `${where} ${ref.integrity}`;
}

/** Where `tokens` begin in the prompt for the last time; 0 where there are none, −1 where it does not have them. */
function begins(prompt: readonly number[], tokens: readonly number[]): number {
  if (tokens.length === 0) return 0;
  for (let at = prompt.length - tokens.length; at >= 0; at--) {
    if (tokens.every((token, i) => prompt[at + i] === token)) return at;
  }
  return -1;
}

function unknown(id: string): GemmaError {
  const shown = id.length > 100 ? `${id.slice(0, 100)}…` : id;
  return new GemmaError(
    'option-invalid',
    `adapters has ${JSON.stringify(shown)}, which is not loaded; load it with client.adapters.load`,
    {detail: {option: 'adapters', id: shown}},
  );
}
