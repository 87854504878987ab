// What can be told of models without loading them, and what is done with those that are stored. Knows the store and the
// beginning of a header; starts no engine.

import {engineDefaults} from '../engine/engine-defaults.ts';
import {contextBytes} from '../engine/memory/estimate.ts';
import {planMemory} from '../engine/memory/memory-plan.ts';
import {readConfig, supportedArchitecture} from '../engine/model/config.ts';
import {GemmaError, isAbort} from '../errors.ts';
import type {Metadata} from '../gguf/metadata.ts';
import {peekMetadata} from '../gguf/peek-metadata.ts';
import {readSplitGguf} from '../gguf/read-split.ts';
import {findAdapter} from '../gpu/device.ts';
import type {ModelInspection, ModelRef, NamedBlob, StoredModelInfo, StoredModels} from '../protocol/messages.ts';
import {wireError} from '../protocol/wire-error.ts';
import {orderedParts, partAddresses} from '../store/model-parts.ts';
import type {Inspection, ModelStore, StoredModel} from '../store/model-store.ts';
import {blobSource} from '../store/sources/blob-source.ts';
import {memorySource} from '../store/sources/memory-source.ts';
import {looksPretrained} from './pretrained.ts';

export interface InspectOptions {
  contextLength?: number;
  signal?: AbortSignal;
}

/** What the bytes' place says; the rest is in the header. */
type Place = Pick<
  ModelInspection,
  'size' | 'storedBytes' | 'storedIds' | 'storage' | 'online' | 'resumable' | 'freeBytes' | 'removable'
> & {fileName: string; metadata: Metadata};

interface Needs {
  memory: ModelInspection['memory'];
  problem: GemmaError | null;
}

/** Every model that this site could load or has stored. */
export class ModelLibrary {
  readonly #store: () => Promise<ModelStore>;
  readonly #gpu: GPU | undefined;

  /** `store` is called when it is first needed. */
  constructor(store: () => Promise<ModelStore>, gpu: GPU | undefined) {
    this.#store = store;
    this.#gpu = gpu;
  }

  /** @throws GemmaError: the store's, `not-gguf`, `gguf-version`, `gguf-split`, `option-invalid`; AbortError */
  async inspect(ref: ModelRef, {contextLength, signal}: InspectOptions = {}): Promise<Omit<ModelInspection, 'loaded'>> {
    const place = 'url' in ref ? await this.#stored(ref, signal) : await filesPlace(ref.files, signal);
    const {fileName, metadata, ...facts} = place;
    // The whole header of a file that is here costs nothing: what it needs is known exactly then.
    const {memory, problem} = await ('url' in ref
      ? this.#estimate(place, contextLength)
      : this.#plan(ref.files, place, contextLength, signal));
    return {
      ...facts,
      name: text(metadata, 'general.name') ?? fileName.replace(/\.gguf$/i, ''),
      architecture: text(metadata, 'general.architecture'),
      looksPretrained: looksPretrained(metadata, fileName),
      license: license(metadata),
      memory,
      problem: problem && wireError(problem),
    };
  }

  async #estimate({metadata, size}: Place, contextLength?: number): Promise<Needs> {
    return {
      memory: {weightBytes: size, contextBytes: contextBytes(metadata, contextLength)},
      problem: await this.#problem(metadata),
    };
  }

  async #plan(files: readonly NamedBlob[], place: Place, contextLength?: number, signal?: AbortSignal): Promise<Needs> {
    try {
      const parts = orderedParts(files).map(({blob, name}) => blobSource(blob, name));
      const config = readConfig(await readSplitGguf(parts, {signal}));
      const adapter = await findAdapter(this.#gpu);
      const {gpu} = planMemory(config, adapter.limits, {...engineDefaults(adapter), contextLength});
      return {memory: {weightBytes: gpu.weights, contextBytes: gpu.kv + gpu.scratch}, problem: null};
    } catch (error) {
      if (isAbort(error)) throw error;
      return {...(await this.#estimate(place, contextLength)), problem: GemmaError.from(error)};
    }
  }

  async list(): Promise<StoredModels> {
    const store = await this.#store();
    const [models, estimate] = await Promise.all([store.list(), store.estimate()]);
    return {models: models.map(info), storage: store.storage, ...estimate};
  }

  /** One file by its id, or all. @throws GemmaError `model-in-use` */
  async remove(id: string | null): Promise<void> {
    const store = await this.#store();
    await (id === null ? store.removeAll() : store.remove(id));
  }

  async #stored(ref: {url: string; integrity?: string}, signal?: AbortSignal): Promise<Place> {
    const store = await this.#store();
    const addresses = partAddresses(ref.url, ref.integrity);
    const parts = await Promise.all(addresses.map((address) => store.inspect(address, signal)));
    const [first] = parts;
    const sum = (field: 'size' | 'storedBytes') => parts.reduce((bytes, part) => bytes + part[field], 0);
    const missing = sum('size') - sum('storedBytes');
    const {free} = await store.estimate();
    const ids = await Promise.all(addresses.map((address) => store.idOf(address)));
    const short = free !== null && missing > free && first.storage !== 'memory';
    return {
      fileName: lastSegment(first.name),
      metadata: await peekMetadata(memorySource(first.head, first.name), signal),
      size: sum('size'),
      storedBytes: sum('storedBytes'),
      storedIds: ids.filter((_, i) => parts[i].storedBytes > 0),
      storage: first.storage,
      online: parts.every(({online}: Inspection) => online),
      resumable: parts.every(({ranges}: Inspection) => ranges),
      freeBytes: free,
      removable: short ? (await store.suggestRemoval(missing, ids)).map(info) : [],
    };
  }

  /** Why a model will not run here, as far as its first bytes and the browser say. */
  async #problem(metadata: Metadata): Promise<GemmaError | null> {
    try {
      if (metadata.has('general.architecture')) supportedArchitecture(metadata);
      await findAdapter(this.#gpu);
      return null;
    } catch (error) {
      if (isAbort(error)) throw error;
      return GemmaError.from(error);
    }
  }
}

async function filesPlace(files: readonly NamedBlob[], signal?: AbortSignal): Promise<Place> {
  const ordered = orderedParts(files);
  const [{blob, name}] = ordered;
  const size = ordered.reduce((bytes, file) => bytes + file.blob.size, 0);
  return {
    fileName: name,
    metadata: await peekMetadata(blobSource(blob, name), signal),
    size,
    storedBytes: size,
    storedIds: [],
    storage: 'file',
    online: true,
    resumable: true,
    freeBytes: null,
    removable: [],
  };
}

// A file may write anything there; no one reads more than this.
const LONGEST_TEXT = 200;

function text(metadata: Metadata, key: string): string | null {
  const raw = metadata.raw(key);
  const value = raw?.type === 'string' ? raw.value.trim().slice(0, LONGEST_TEXT) : '';
  return value === '' ? null : value;
}

function license(metadata: Metadata): ModelInspection['license'] {
  const raw = metadata.raw('general.license.link');
  const link = raw?.type === 'string' && raw.value.length <= 2000 ? raw.value : '';
  const isWeb = URL.canParse(link) && /^https?:$/.test(new URL(link).protocol);
  const name = text(metadata, 'general.license.name') ?? text(metadata, 'general.license');
  // What is no link of the web is shown as text.
  if (isWeb) return {name, link: new URL(link).href};
  return {name: name ?? text(metadata, 'general.license.link'), link: null};
}

function info({id, url, size, storedBytes, complete, lastUsed}: StoredModel): StoredModelInfo {
  return {id, url, size, storedBytes, complete, lastUsed};
}

function lastSegment(name: string): string {
  const last = name.split('/').filter(Boolean).at(-1) ?? name;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
