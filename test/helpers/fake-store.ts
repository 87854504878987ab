// A model store in memory, for tests of those who use one: files by URL, and how much of each is stored.
import {GemmaError} from '../../src/errors.ts';
import type {ModelSource, ModelStore, StoreProgress} from '../../src/store/model-store.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';

export interface FakeFile {
  bytes: Uint8Array;
  /** Default 0. */
  storedBytes?: number;
}

export class FakeStore implements ModelStore {
  readonly storage = 'opfs';
  readonly files: Map<string, FakeFile>;
  /** Addresses that were opened, and what became of them. */
  readonly opened: {url: string; integrity?: string; closed: boolean; verified: boolean; settled: boolean}[] = [];
  free: number | null = null;
  /** Tells the progress of the file at a URL that is open. */
  readonly tell = new Map<string, (progress: StoreProgress) => void>();

  constructor(files: Record<string, FakeFile>) {
    this.files = new Map(Object.entries(files));
  }

  #file(url: string): FakeFile {
    const file = this.files.get(url);
    if (!file) throw new GemmaError('http-status', `${url}: the server answered 404`);
    return file;
  }

  async inspect(address: {url: string}): ReturnType<ModelStore['inspect']> {
    const {bytes, storedBytes = 0} = this.#file(address.url);
    return {
      address,
      name: address.url.replace(/[?#].*/, ''),
      size: bytes.length,
      storedBytes,
      identity: {size: bytes.length, etag: null, lastModified: null},
      sha256: null,
      head: bytes.slice(0, 65536),
      online: true,
      ranges: true,
      storage: this.storage,
    };
  }

  async open(
    {url, integrity}: {url: string; integrity?: string},
    {onProgress}: {onProgress?: (progress: StoreProgress) => void} = {},
  ): Promise<ModelSource> {
    const {bytes, storedBytes = 0} = this.#file(url);
    const log = {url, integrity, closed: false, verified: false, settled: false};
    this.opened.push(log);
    if (onProgress) this.tell.set(url, onProgress);
    return {
      ...memorySource(bytes, url),
      storage: this.storage,
      identity: {size: bytes.length, etag: null, lastModified: null},
      storedBytes,
      sha256: integrity === undefined ? null : integrity.replace('sha256-', ''),
      async verify() {
        log.verified = true;
      },
      async settle() {
        log.settled = true;
      },
      async discard() {
        log.closed = true;
      },
      async close() {
        log.closed = true;
      },
    };
  }

  async list(): ReturnType<ModelStore['list']> {
    return [...this.files].map(([url, {bytes, storedBytes = 0}]) => ({
      id: `id of ${url}`,
      url,
      size: bytes.length,
      storedBytes,
      complete: storedBytes === bytes.length,
      lastUsed: 1,
      sha256: null,
    }));
  }

  async remove(id: string): Promise<void> {
    this.files.delete(id.replace('id of ', ''));
  }

  async removeAll(): Promise<void> {
    this.files.clear();
  }

  async idOf({url}: {url: string}): Promise<string> {
    return `id of ${url}`;
  }

  async estimate(): ReturnType<ModelStore['estimate']> {
    return {usage: 10, quota: 100, free: this.free, persisted: false};
  }

  async suggestRemoval(_bytes: number, except: readonly string[] = []): ReturnType<ModelStore['suggestRemoval']> {
    return (await this.list()).filter(({id}) => !except.includes(id));
  }

  async persist(): Promise<boolean> {
    return true;
  }
}
