// Opens all files of a model, wherever they are, as one source: stored or on a server, or the visitor's own. Knows no
// GGUF and no GPU.
import {GemmaError, isAbort} from '../errors.ts';
import type {ByteSource} from '../gguf/byte-source.ts';
import type {ModelRef, ModelStorage, NamedBlob} from '../protocol/messages.ts';
import {parseIntegrity} from '../store/hash/integrity.ts';
import {Sha256} from '../store/hash/sha256.ts';
import {orderedParts, partAddresses, partHashes} from '../store/model-parts.ts';
import type {ModelAddress, ModelSource, ModelStore, OpenOptions, StoreProgress} from '../store/model-store.ts';
import {blobSource} from '../store/sources/blob-source.ts';
import {
  browserCrossOriginStorage,
  type CrossOriginStorage,
  sharedFile,
  shareFile,
} from '../store/sources/cross-origin-storage.ts';
import {joinedSource} from '../store/sources/joined-source.ts';

export interface OpenedModel {
  /** Its files in order, and all of them end to end. Closing `source` closes them. */
  readonly files: readonly ByteSource[];
  readonly source: ByteSource;
  readonly storage: ModelStorage;
  /** Bytes that need not be fetched, by now. */
  readonly storedBytes: number;
  /** As `ModelSource.verify`, for every file. */
  verify(signal?: AbortSignal): Promise<void>;
  /** As `ModelSource.settle`. */
  settle(): Promise<void>;
  /** As `ModelSource.discard`; the visitor's own files stay. */
  discard(): Promise<void>;
}

export interface OpenModelOptions {
  signal?: AbortSignal;
  /** Over all files. */
  onProgress?: (progress: StoreProgress) => void;
  /** Where sites share files by their hash. Default: the browser's, if it has one. */
  shared?: CrossOriginStorage;
}

/** @throws GemmaError: the store's, `gguf-split`, `option-invalid` */
export async function openModel(
  ref: ModelRef,
  store: ModelStore,
  options: OpenModelOptions = {},
): Promise<OpenedModel> {
  return 'url' in ref ? openStored(ref, store, options) : openFiles(ref);
}

async function openStored(
  {url, integrity}: {url: string; integrity?: string},
  store: ModelStore,
  {signal, onProgress, shared = browserCrossOriginStorage()}: OpenModelOptions,
): Promise<OpenedModel> {
  const addresses = partAddresses(url, integrity);
  const sum = new ProgressSum(addresses.length, onProgress);
  const files: ModelSource[] = [];
  try {
    for (const [i, address] of addresses.entries()) {
      const tell = (progress: StoreProgress): void => sum.tell(i, progress);
      const file = await openStoredOrShared(address, store, shared, {signal, onProgress: tell});
      files.push(file);
      sum.opened(i, file);
    }
  } catch (error) {
    await Promise.all(files.map((file) => file.close()));
    throw error;
  }
  return {
    files,
    source: joinedSource(files),
    storage: files[0].storage,
    get storedBytes() {
      return files.reduce((bytes, file) => bytes + file.storedBytes, 0);
    },
    async verify(signal) {
      for (const file of files) await file.verify(signal);
    },
    async settle() {
      for (const file of files) await file.settle();
      // In its own time: the model answers meanwhile.
      void offerFiles(addresses, files, store, shared);
    },
    async discard() {
      for (const file of files) await file.discard();
    },
  };
}

/** The store's file; where that is not whole and another site has shared one with its hash, the shared one. */
async function openStoredOrShared(
  address: ModelAddress,
  store: ModelStore,
  shared: CrossOriginStorage | undefined,
  options: OpenOptions,
): Promise<ModelSource> {
  let stored: ModelSource;
  try {
    stored = await store.open(address, options);
  } catch (error) {
    // Without its server the file may still be here.
    if (!shared || address.integrity === undefined || isAbort(error)) throw error;
    const given = parseIntegrity(address.integrity);
    const found = await sharedFile(shared, given, null, address.url);
    if (!found) throw error;
    return sharedSource(found, given);
  }
  const {sha256, size, storedBytes, name} = stored;
  if (!shared || sha256 === null || storedBytes >= size) return stored;
  const found = await sharedFile(shared, sha256, size, name);
  if (!found) return stored;
  await stored.close();
  return sharedSource(found, sha256);
}

/** A shared file in the place of a stored one. The browser vouches for its hash; it is checked like any other. */
function sharedSource(file: ByteSource, sha256: string): ModelSource {
  return {
    ...file,
    storage: 'opfs', // the browser keeps it, outside this site's quota
    identity: {size: file.size, etag: null, lastModified: null},
    storedBytes: file.size,
    sha256,
    verify: (signal) => verifyFile(file, sha256, signal),
    settle: () => Promise.resolve(),
    discard: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** Offers to other sites what was stored and verified here. */
async function offerFiles(
  addresses: readonly ModelAddress[],
  files: readonly ModelSource[],
  store: ModelStore,
  shared: CrossOriginStorage | undefined,
): Promise<void> {
  if (!shared) return;
  for (const [i, {sha256}] of files.entries()) {
    if (sha256 === null) continue;
    try {
      // Of its own: the load's source is closed as soon as the model is on the GPU.
      const file = await store.open(addresses[i]);
      if (file.storedBytes >= file.size) await shareFile(shared, sha256, file);
      await file.close();
    } catch {
      // Nothing here depends on it.
    }
  }
}

function openFiles({files, integrity}: {files: readonly NamedBlob[]; integrity?: string}): OpenedModel {
  const ordered = orderedParts(files);
  const sources = ordered.map(({blob, name}) => blobSource(blob, name));
  const hashes = partHashes(integrity, sources.length)?.map(parseIntegrity);
  const source = joinedSource(sources);
  return {
    files: sources,
    source,
    storage: 'file',
    storedBytes: source.size,
    async verify(signal) {
      for (const [i, hash] of (hashes ?? []).entries()) await verifyFile(sources[i], hash, signal);
    },
    settle: () => Promise.resolve(),
    discard: () => Promise.resolve(),
  };
}

/** @throws GemmaError `integrity-mismatch` */
export async function verifyFile(file: ByteSource, expected: string, signal?: AbortSignal): Promise<void> {
  const hash = new Sha256();
  for await (const piece of file.stream(0, file.size, signal)) hash.update(piece);
  const found = hash.digest();
  if (found === expected) return;
  throw new GemmaError(
    'integrity-mismatch',
    `${file.name} has the SHA-256 ${found}; expected ${expected}. It is damaged or another file: choose the right one`,
    {detail: {found, expected}},
  );
}

/** What the files of a model tell, as if they were one. */
class ProgressSum {
  readonly #parts: StoreProgress[];
  readonly #onProgress: OpenModelOptions['onProgress'];

  constructor(files: number, onProgress: OpenModelOptions['onProgress']) {
    const nothing: StoreProgress = {phase: 'read', loadedBytes: 0, fetchedBytes: 0, totalBytes: 0};
    this.#parts = new Array<StoreProgress>(files).fill(nothing);
    this.#onProgress = onProgress;
  }

  opened(part: number, {size, storedBytes}: ModelSource): void {
    this.#parts[part] = {...this.#parts[part], loadedBytes: storedBytes, totalBytes: size};
  }

  tell(part: number, progress: StoreProgress): void {
    this.#parts[part] = progress;
    const sum = (field: 'loadedBytes' | 'fetchedBytes' | 'totalBytes') =>
      this.#parts.reduce((bytes, each) => bytes + each[field], 0);
    this.#onProgress?.({
      ...progress,
      loadedBytes: sum('loadedBytes'),
      fetchedBytes: sum('fetchedBytes'),
      totalBytes: sum('totalBytes'),
    });
  }
}
