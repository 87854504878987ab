// The model store over whatever this browser lets us keep blocks in. Owns how a file is recognised, and which of what is
// stored is still good; reading it is stored-source.ts.
import {GemmaError, isAbort} from '../errors.ts';
import {type BlockStore, freeBytes, fullError, type StorageLike} from './blocks/block-store.ts';
import {chooseBlocks, type Platform} from './blocks/choose-blocks.ts';
import {memoryBlocks} from './blocks/memory-blocks.ts';
import {type Clock, systemClock} from './clock.ts';
import {ModelFolder} from './folder/model-folder.ts';
import {type LocksLike, lockName} from './folder/writer-lock.ts';
import {parseIntegrity, sha256Hex} from './hash/integrity.ts';
import {describeChange, type FileIdentity} from './http/http-answer.ts';
import {RemoteFile} from './http/remote-file.ts';
import {DEFAULT_POLICY, type RetryPolicy} from './http/retry.ts';
import type {Inspection, ModelAddress, ModelSource, ModelStore, OpenOptions, StoredModel} from './model-store.ts';
import {StoredSource} from './stored-source.ts';

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
// The first request brings a GGUF's first header chunk along; it is kept and answers the reader's first read.
const HEAD_BYTES = 64 * 1024;
/** A stored file waits no longer for its server to say that it is still the same. */
const REVALIDATION: Partial<RetryPolicy> = {openAttempts: 1, stallMs: 5000};

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

/** A file as it was found: on the server, on the disk, or both. */
interface Found {
  readonly id: string;
  readonly remote: RemoteFile;
  /** What is stored of this very version. */
  readonly folder: ModelFolder | null;
  readonly identity: FileIdentity;
  readonly sha256: string | null;
  readonly online: boolean;
  /** Whether the server sends ranges, as far as it was asked. */
  readonly ranges: boolean;
  /** Bytes that came with the answer. */
  readonly first: {readonly offset: number; readonly bytes: Uint8Array};
}

class BlockModelStore implements ModelStore {
  readonly #blocks: BlockStore;
  readonly #options: ModelStoreOptions;
  readonly #clock: Clock;

  constructor(blocks: BlockStore, options: ModelStoreOptions) {
    this.#blocks = blocks;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get storage(): BlockStore['kind'] {
    return this.#blocks.kind;
  }

  async inspect(address: ModelAddress, signal?: AbortSignal): Promise<Inspection> {
    const found = await this.#find(address, signal ?? new AbortController().signal);
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
    const found = await this.#find(address, signal);
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

  async idOf({url, integrity}: ModelAddress): Promise<string> {
    const id = await this.#idOf(this.#remote({url}));
    return (await this.#stored(id, integrity === undefined ? null : parseIntegrity(integrity)))?.id ?? id;
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

  #remote(
    {url, integrity}: ModelAddress,
    stored: FileIdentity | null = null,
    policy: Partial<RetryPolicy> = {},
  ): RemoteFile {
    const {fetch, origin} = this.#options;
    const wanted = {...DEFAULT_POLICY, ...this.#options.policy, ...policy};
    const hashJudges = integrity !== undefined;
    return new RemoteFile(url, {fetch, origin, clock: this.#clock, policy: wanted, hashJudges}, stored);
  }

  #idOf(remote: RemoteFile): Promise<string> {
    return sha256Hex(new TextEncoder().encode(remote.url));
  }

  /** Asks disk and server which file it is. */
  async #find(address: ModelAddress, signal: AbortSignal): Promise<Found> {
    signal.throwIfAborted();
    const integrity = address.integrity === undefined ? null : parseIntegrity(address.integrity);
    const remote = this.#remote(address);
    const folder = await this.#stored(await this.#idOf(remote), integrity);
    const id = folder?.id ?? (await this.#idOf(remote));
    const none = {offset: 0, bytes: new Uint8Array(0)};
    if (folder?.complete && integrity !== null && folder.sha256 === integrity) {
      const known = this.#remote(address, folder.identity);
      return {
        id,
        remote: known,
        folder,
        identity: folder.identity,
        sha256: integrity,
        online: false,
        ranges: true,
        first: none,
      };
    }
    if (folder) {
      const asked = await this.#revalidate(address, folder, signal);
      if (asked === 'unreachable') {
        const known = this.#remote(address, folder.identity);
        return {
          id,
          remote: known,
          folder,
          identity: folder.identity,
          sha256: integrity,
          online: false,
          ranges: true,
          first: none,
        };
      }
      if (asked) return {id, folder, sha256: expected(asked.remote, integrity), online: true, ...asked};
    }
    const first = await this.#ask(remote, 0, HEAD_BYTES, signal);
    return {id, folder: null, sha256: expected(remote, integrity), online: true, ...first};
  }

  /** What is stored under the URL or, whatever its URL, with the hash; not what is stored and known to be another file. */
  async #stored(id: string, integrity: string | null): Promise<ModelFolder | null> {
    if (this.storage === 'memory') return null; // what is there may be forgotten before it is read
    const own = await ModelFolder.load(this.#blocks, id);
    if (integrity === null || own?.sha256 === integrity) return own;
    for (const other of await this.#blocks.folders()) {
      const folder = other === id ? null : await ModelFolder.load(this.#blocks, other);
      if (folder?.complete && folder.sha256 === integrity) return folder;
    }
    return own?.sha256 == null ? own : null;
  }

  /** The server's answer if it still has the file that is stored; null if it has another. */
  async #revalidate(address: ModelAddress, folder: ModelFolder, signal: AbortSignal) {
    const missing = firstMissing(folder);
    const offset = missing === null ? 0 : missing * folder.blockBytes;
    const remote = this.#remote(address, null, missing === null ? REVALIDATION : {});
    try {
      const answer = await this.#ask(
        remote,
        offset,
        missing === null ? 1 : Math.min(HEAD_BYTES, folder.blockLength(missing)),
        signal,
      );
      const {identity} = folder;
      // What is complete has been hashed. A part of a file may only be told by what was said of it.
      const stored = folder.sha256 === null ? identity : {...identity, sha256: folder.sha256};
      if (describeChange(stored, answer.identity)) return null;
      if (missing !== null) return answer;
      remote.close();
      return {...answer, remote: this.#remote(address, folder.identity), first: {offset: 0, bytes: new Uint8Array(0)}};
    } catch (error) {
      remote.close();
      if (isAbort(error)) throw error;
      // What was asked for lies beyond the end: a shorter file.
      if (error instanceof GemmaError && error.detail.status === 416) return null;
      if (missing === null) return 'unreachable' as const;
      throw error;
    }
  }

  async #ask(remote: RemoteFile, offset: number, length: number, signal: AbortSignal) {
    const bytes = new Uint8Array(length);
    let at = 0;
    for await (const piece of remote.glimpse({start: offset, end: offset + length}, signal)) {
      bytes.set(piece, at);
      at += piece.length;
    }
    const {identity} = remote;
    if (!identity) throw new GemmaError('internal', `${remote.name} answered and is unknown`);
    return {remote, identity, ranges: remote.ranges, first: {offset, bytes: bytes.subarray(0, at)}};
  }

  async #requireSpace(needed: number): Promise<void> {
    const free = await freeBytes(this.#options.storage);
    if (free !== null && free < needed) throw fullError(needed, free);
  }
}

function firstMissing(folder: ModelFolder): number | null {
  for (let index = 0; index < folder.blockCount; index++) if (!folder.has(index)) return index;
  return null;
}

/** @throws GemmaError `integrity-mismatch` if the server says itself that it is another file */
function expected(remote: RemoteFile, integrity: string | null): string | null {
  if (integrity !== null && remote.sha256 !== null && integrity !== remote.sha256) {
    throw new GemmaError(
      'integrity-mismatch',
      `${remote.name}: the server gives the SHA-256 ${remote.sha256}; expected ${integrity}. Correct integrity, or the address`,
      {detail: {found: remote.sha256, expected: integrity}},
    );
  }
  return integrity ?? remote.sha256;
}
