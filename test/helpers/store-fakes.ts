// What the store needs of a browser, made for tests: time that does not pass, locks, and a private file system whose
// writes can fail or be cut off by a crash at any point. Node and browser.
import type {CachesLike} from '../../src/store/blocks/cache-blocks.ts';
import type {Clock} from '../../src/store/clock.ts';
import type {LocksLike} from '../../src/store/folder/writer-lock.ts';

/** Sleeps end at once and are written down; alarms go off when the test says so. */
export class FakeClock implements Clock {
  readonly sleeps: number[] = [];
  time = 1_700_000_000_000;
  readonly #alarms = new Set<() => void>();

  now(): number {
    return this.time;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.sleeps.push(ms);
    this.time += ms;
    await Promise.resolve();
    signal.throwIfAborted();
  }

  alarm(_ms: number, ring: () => void): () => void {
    this.#alarms.add(ring);
    return () => this.#alarms.delete(ring);
  }

  /** Nothing came for as long as an alarm waits, twice: the first tells only that something came before. */
  ring(): void {
    for (let i = 0; i < 2; i++) {
      const ringing = [...this.#alarms];
      this.#alarms.clear();
      for (const ring of ringing) ring();
    }
  }
}

/** Web Locks, exclusive ones only, for as many workers as share the object. */
export function fakeLocks(): LocksLike & {readonly held: ReadonlySet<string>} {
  const held = new Set<string>();
  const queues = new Map<string, (() => void)[]>();
  const free = (name: string): void => {
    held.delete(name);
    queues.get(name)?.shift()?.();
  };
  return {
    held,
    async request(name, {ifAvailable, signal}, work) {
      signal?.throwIfAborted();
      if (held.has(name)) {
        if (ifAvailable) return work(null);
        await new Promise<void>((resolve, reject) => {
          const queue = queues.get(name) ?? [];
          queues.set(name, queue);
          queue.push(resolve);
          signal?.addEventListener('abort', () => {
            queue.splice(queue.indexOf(resolve), 1);
            reject(signal.reason);
          });
        });
      }
      held.add(name);
      try {
        return await work({name});
      } finally {
        free(name);
      }
    },
  };
}

/** What a fault does to a write: `quota` refuses it, `crash` ends the world before it takes effect. */
export type WriteFault = 'quota' | 'crash';

/**
 * A private file system in memory. Writes take effect when they are closed, as in browsers. `steps` counts everything
 * that changes it; `failAt` names the step before which `fault` strikes; after a crash nothing works until `restart`.
 */
export class FakeFileSystem {
  readonly folders = new Map<string, Map<string, Uint8Array<ArrayBuffer>>>();
  quota = Number.POSITIVE_INFINITY;
  steps = 0;
  failAt = Number.POSITIVE_INFINITY;
  fault: WriteFault = 'quota';
  /** Names of files whose next reading fails. */
  readonly unreadable = new Set<string>();
  #crashed = false;
  /** Folders with files that are being written, and how many. */
  readonly #writing = new Map<string, number>();

  /** The root folder, as `getDirectory` of a new browser gives it. */
  get root(): FileSystemDirectoryHandle {
    return {
      kind: 'directory',
      getDirectoryHandle: async (name: string, {create = false} = {}) => this.#folder(name, create),
      removeEntry: async (name: string) => {
        this.#step();
        if (this.#writing.has(name)) throw new DOMException(`${name} is locked`, 'NoModificationAllowedError');
        if (!this.folders.delete(name)) throw notFound(name);
      },
      entries: () => this.#entries(),
    } as unknown as FileSystemDirectoryHandle;
  }

  get usage(): number {
    let sum = 0;
    for (const files of this.folders.values()) for (const bytes of files.values()) sum += bytes.length;
    return sum;
  }

  estimate = async () => ({usage: this.usage, quota: Number.isFinite(this.quota) ? this.quota : undefined});

  restart(): void {
    this.#crashed = false;
    this.#writing.clear();
    this.failAt = Number.POSITIVE_INFINITY;
  }

  async *#entries(): AsyncGenerator<[string, {kind: 'directory'}]> {
    for (const name of this.folders.keys()) yield [name, {kind: 'directory'}];
  }

  #folder(name: string, create: boolean): unknown {
    if (!this.folders.has(name)) {
      if (!create) throw notFound(name);
      this.#step();
      this.folders.set(name, new Map());
    }
    return {
      kind: 'directory',
      getFileHandle: async (file: string, {create: make = false} = {}) => this.#file(name, file, make),
      removeEntry: async (file: string) => {
        this.#step();
        if (!this.#files(name).delete(file)) throw notFound(file);
      },
    };
  }

  /** A handle outlives its folder; what is done with it fails then. */
  #files(folder: string): Map<string, Uint8Array<ArrayBuffer>> {
    const files = this.folders.get(folder);
    if (!files) throw notFound(folder);
    return files;
  }

  #file(folder: string, name: string, create: boolean): unknown {
    if (!this.#files(folder).has(name)) {
      if (!create) throw notFound(name);
      this.#step();
      this.#files(folder).set(name, new Uint8Array(0));
    }
    return {
      kind: 'file',
      getFile: async () => {
        const bytes = this.#files(folder).get(name);
        if (!bytes) throw notFound(name);
        if (this.unreadable.delete(name)) throw new DOMException(`${name} could not be read`, 'NotReadableError');
        return new Blob([bytes]);
      },
      createWritable: async () => this.#writable(folder, name),
    };
  }

  #writable(folder: string, name: string): unknown {
    this.#step();
    let written = new Uint8Array(0);
    this.#writing.set(folder, (this.#writing.get(folder) ?? 0) + 1);
    const end = (): void => {
      const left = (this.#writing.get(folder) ?? 1) - 1;
      if (left > 0) this.#writing.set(folder, left);
      else this.#writing.delete(folder);
    };
    return {
      write: async (bytes: Uint8Array<ArrayBuffer>) => {
        this.#step();
        if (this.usage + bytes.length > this.quota) throw new DOMException('no space', 'QuotaExceededError');
        written = bytes.slice();
      },
      close: async () => {
        this.#step();
        this.#files(folder).set(name, written);
        end();
      },
      abort: async () => end(),
    };
  }

  #step(): void {
    if (this.#crashed) throw new DOMException('the browser is gone', 'InvalidStateError');
    if (++this.steps < this.failAt) return;
    if (this.fault === 'quota') throw new DOMException('no space', 'QuotaExceededError');
    this.#crashed = true;
    throw new DOMException('the browser is gone', 'InvalidStateError');
  }
}

function notFound(name: string): DOMException {
  return new DOMException(`${name} is not there`, 'NotFoundError');
}

/** The Cache API in memory. */
export function fakeCaches(): CachesLike {
  const all = new Map<string, Map<string, Blob>>();
  return {
    async open(name) {
      const files = all.get(name) ?? new Map<string, Blob>();
      all.set(name, files);
      return {
        match: async (address) => {
          const blob = files.get(String(address));
          return blob && new Response(blob);
        },
        put: async (address, response) => void files.set(String(address), await response.blob()),
        delete: async (address) => files.delete(String(address)),
      };
    },
    has: async (name) => all.has(name),
    delete: async (name) => all.delete(name),
    keys: async () => [...all.keys()],
  };
}
