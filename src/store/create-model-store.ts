// The model store over whatever this browser lets us keep blocks in. Which file an address stands for is find-file.ts's,
// reading it stored-source.ts's.
import {GemmaError} from '../errors.ts';
import {type BlockStore, freeBytes, fullError, type StorageLike} from './blocks/block-store.ts';
import {chooseBlocks, type Platform} from './blocks/choose-blocks.ts';
import {memoryBlocks} from './blocks/memory-blocks.ts';
import {type Clock, systemClock} from './clock.ts';
import {FileFinder, HEAD_BYTES} from './find-file.ts';
import {ModelFolder} from './folder/model-folder.ts';
import {type LocksLike, lockName} from './folder/writer-lock.ts';
import type {RetryPolicy} from './http/retry.ts';
import type {Inspection, ModelAddress, ModelSource, ModelStore, OpenOptions, StoredModel} from './model-store.ts';
import {StoredSource} from './stored-source.ts';

/** Where blocks are kept, and how files are fetched. Everything has a default. */
export interface ModelStoreOptions extends Platform {
  /** Instead of what the platform offers. */
  readonly blocks?: BlockStore;
  readonly locks?: LocksLike;
  readonly fetch?: typeof fetch;
  readonly origin?: string;
  readonly clock?: Clock;
  readonly policy?: Partial<RetryPolicy>;
  /** Bytes of a block of newly stored files. */
  readonly blockBytes?: number;
}

/**
 * What is hashed, written and repaired as one. A block a transfer is held in memory, so that its hash can be WebCrypto's,
 * and as much again while it is written; 4 MiB keep that under 50 MB.
 */
const BLOCK_BYTES = 4 * 2 ** 20;

/** The store of this worker's origin. */
export async function createModelStore(options: ModelStoreOptions = browserPlatform()): Promise<ModelStore> {
  return new BlockModelStore(options.blocks ?? (await chooseBlocks(options)), options);
}

function browserPlatform(): ModelStoreOptions {
  const {navigator, caches} = globalThis as {
    navigator?: {storage?: StorageLike; locks?: LocksLike};
    caches?: CacheStorage;
  };
  return {storage: navigator?.storage, locks: navigator?.locks, caches};
}

class BlockModelStore implements ModelStore {
  readonly #blocks: BlockStore;
  readonly #options: ModelStoreOptions;
  readonly #clock: Clock;
  readonly #finder: FileFinder;

  constructor(blocks: BlockStore, options: ModelStoreOptions) {
    this.#blocks = blocks;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#finder = new FileFinder(blocks, {...options, clock: this.#clock});
  }

  get storage(): BlockStore['kind'] {
    return this.#blocks.kind;
  }

  async inspect(address: ModelAddress, signal?: AbortSignal): Promise<Inspection> {
    const found = await this.#finder.find(address, signal ?? new AbortController().signal);
    const {remote, folder, identity, sha256, online, ranges, first} = found;
    remote.close();
    const stored = folder?.has(0) ? await folder.read(0) : null;
    return {
      address,
      name: remote.name,
      size: identity.size,
      storedBytes: folder?.storedBytes ?? 0,
      identity,
      sha256,
      head: stored?.slice(0, HEAD_BYTES) ?? (first.offset === 0 ? first.bytes : new Uint8Array(0)),
      online,
      ranges,
      storage: this.storage,
    };
  }

  async open(address: ModelAddress, options: OpenOptions = {}): Promise<ModelSource> {
    const signal = options.signal ?? new AbortController().signal;
    const found = await this.#finder.find(address, signal);
    const {remote, identity, sha256, first} = found;
    try {
      const keep = options.keep !== false || found.folder?.complete === true;
      const blocks = keep ? this.#blocks : memoryBlocks();
      const blockBytes = this.#options.blockBytes ?? BLOCK_BYTES;
      const stored = keep ? found.folder : null;
      if (blocks.kind !== 'memory') await this.#requireSpace(identity.size - (stored?.storedBytes ?? 0));
      const folder = stored ?? ModelFolder.create(blocks, found.id, {url: remote.url, identity}, blockBytes);
      await folder.touch(this.#clock.now());
      const source = new StoredSource({
        remote,
        folder,
        storage: blocks.kind,
        clock: this.#clock,
        locks: this.#options.locks,
        sha256,
        capacityBlocks: Math.floor(blocks.capacity / folder.blockBytes),
        onProgress: options.onProgress,
      });
      const fits = first.bytes.length > 0 && first.offset % folder.blockBytes === 0;
      if (fits) source.keepFirst(first.offset, first.bytes);
      return source;
    } catch (error) {
      remote.close();
      throw error;
    }
  }

  async list(): Promise<StoredModel[]> {
    const models: StoredModel[] = [];
    if (this.storage === 'memory') return models;
    for (const id of await this.#blocks.folders()) {
      const folder = await ModelFolder.load(this.#blocks, id);
      if (!folder) continue;
      const {url, size, storedBytes, complete, sha256} = folder;
      models.push({id, url, size, storedBytes, complete, sha256, lastUsed: await folder.lastUsed()});
    }
    return models.sort((a, b) => b.lastUsed - a.lastUsed);
  }

  async remove(id: string): Promise<void> {
    const work = async (): Promise<void> => this.#blocks.deleteFolder(id);
    const {locks} = this.#options;
    if (!locks) return work();
    let taken = false;
    await locks.request(lockName(id), {ifAvailable: true}, (lock) => {
      if (lock === null) return undefined;
      taken = true;
      return work();
    });
    if (taken) return;
    throw new GemmaError('model-in-use', 'the model is being downloaded. Stop the download first, then remove it', {
      detail: {id},
    });
  }

  async removeAll(): Promise<void> {
    for (const id of await this.#blocks.folders()) await this.remove(id);
  }

  idOf(address: ModelAddress): Promise<string> {
    return this.#finder.idOf(address);
  }

  async estimate() {
    const {storage} = this.#options;
    const {usage = null, quota = null} = (await storage?.estimate?.().catch(() => undefined)) ?? {};
    const free = usage === null || quota === null ? null : Math.max(0, quota - usage);
    const persisted = (await storage?.persisted?.().catch(() => false)) ?? false;
    return {usage, quota, free, persisted};
  }

  async suggestRemoval(bytes: number, except: readonly string[] = []): Promise<StoredModel[]> {
    let {free} = await this.estimate();
    const suggested: StoredModel[] = [];
    if (free === null) return suggested;
    for (const model of (await this.list()).reverse()) {
      if (free >= bytes) break;
      if (except.includes(model.id)) continue;
      suggested.push(model);
      free += model.storedBytes;
    }
    return suggested;
  }

  async persist(): Promise<boolean> {
    return (await this.#options.storage?.persist?.().catch(() => false)) ?? false;
  }

  async #requireSpace(needed: number): Promise<void> {
    const free = await freeBytes(this.#options.storage);
    if (free !== null && free < needed) throw fullError(needed, free);
  }
}
