// One model on the disk: its manifest and its blocks. Hands out no byte whose block it has not checked. Knows no network.
import {GemmaError} from '../../errors.ts';
import {type BlockStore, fullError} from '../blocks/block-store.ts';
import {blockHash} from '../hash/integrity.ts';
import type {FileIdentity} from '../http/http-answer.ts';
import {describeChange} from '../http/http-answer.ts';
import {
  blockLength,
  blockName,
  isComplete,
  MANIFEST_NAME,
  type Manifest,
  newManifest,
  readManifest,
  storedBytes,
  writeManifest,
} from './manifest.ts';

const USED_NAME = 'used';
/** A disk that is busy may fail once; to fetch the block again would cost more. */
const READ_TRIES = 2;
/**
 * Reads that wait. Chromium's garbage collector takes a Blob's stream that nothing but an unanswered read holds, and the
 * read is never answered then.
 */
const reading = new Set<ReadableStreamBYOBReader>();

/** The folder of one model. @throws GemmaError `storage-failed`, `storage-full` */
export class ModelFolder {
  readonly id: string;
  readonly #blocks: BlockStore;
  #manifest: Manifest;
  #stored: number;
  /** Blocks whose bytes on the disk were found, or written, as their hash says since this object exists. */
  readonly #checked = new Set<number>();
  /** Blocks that were missing or not what their hash says, and that hash. */
  readonly #damaged = new Map<number, string | null>();
  #writing: Promise<void> | null = null;
  #dirty = false;
  #failure: GemmaError | null = null;

  constructor(blocks: BlockStore, id: string, manifest: Manifest) {
    this.#blocks = blocks;
    this.id = id;
    this.#manifest = manifest;
    this.#stored = storedBytes(manifest);
  }

  static async load(blocks: BlockStore, id: string): Promise<ModelFolder | null> {
    const manifest = await readManifest(await blocks.get(id, MANIFEST_NAME));
    return manifest && new ModelFolder(blocks, id, manifest);
  }

  static create(blocks: BlockStore, id: string, file: {url: string; identity: FileIdentity}, blockBytes: number) {
    return new ModelFolder(blocks, id, newManifest(file.url, file.identity, blockBytes));
  }

  get url(): string {
    return this.#manifest.url;
  }

  get identity(): FileIdentity {
    return this.#manifest.identity;
  }

  get size(): number {
    return this.#manifest.identity.size;
  }

  get blockBytes(): number {
    return this.#manifest.blockBytes;
  }

  get blockCount(): number {
    return this.#manifest.hashes.length;
  }

  get storedBytes(): number {
    return this.#stored;
  }

  get complete(): boolean {
    return isComplete(this.#manifest);
  }

  /** The hash the whole was found to have. */
  get sha256(): string | null {
    return this.#manifest.sha256;
  }

  has(index: number): boolean {
    return this.#manifest.hashes[index] !== null;
  }

  blockLength(index: number): number {
    return blockLength(this.#manifest, index);
  }

  /**
   * A stored block, checked. Null if it is not there or damaged: it counts as missing from now on.
   * @param room memory for a block, which is the answer's from now on
   */
  async read(index: number, room?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | null> {
    if (!this.has(index)) return null;
    let into = room;
    for (let tries = 0; tries < READ_TRIES; tries++) {
      const blob = await this.#blob(index);
      const bytes = blob && (await bytesOf(blob, into));
      into = undefined; // a read that fails may take it along
      if (!bytes) continue;
      if (this.#checked.has(index) || (await this.#isRight(index, bytes))) return bytes;
      break;
    }
    this.#forget(index);
    return null;
  }

  /** Bytes [from, to) of a stored block. The block is read whole where it was not checked yet. */
  async slice(index: number, from: number, to: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const blob = this.#checked.has(index) ? await this.#blob(index) : null;
    const bytes = blob && (await bytesOf(blob.slice(from, to)));
    return bytes ?? (await this.read(index))?.subarray(from, to) ?? null;
  }

  /**
   * Writes a block, then the manifest that names it; the latter goes on in the background (see `flush`).
   * @throws GemmaError `storage-full`, `storage-failed`
   */
  async commit(index: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#failure) throw this.#failure;
    const [hash] = await Promise.all([blockHash(bytes), this.#put(blockName(index), bytes)]);
    this.#note(index, hash);
    this.#checked.add(index);
  }

  /** The whole was hashed and is what it should be. */
  confirm(sha256: string): void {
    this.#manifest.sha256 = sha256;
    this.#save();
  }

  /** Waits until the manifest says what is there. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing;
    if (this.#failure) throw this.#failure;
  }

  /**
   * Takes over what another worker has written meanwhile. To be called while holding the model's lock: what is left of
   * another version of the file is deleted.
   */
  async mergeStored(): Promise<void> {
    const found = await readManifest(await this.#blocks.get(this.id, MANIFEST_NAME));
    if (!found || describeChange(this.identity, found.identity) || found.blockBytes !== this.blockBytes) {
      this.#checked.clear();
      for (const index of this.#manifest.hashes.keys()) this.#note(index, null, false);
      await this.#blocks.deleteFolder(this.id);
      return;
    }
    for (const [index, hash] of found.hashes.entries()) {
      // What was found damaged here is fetched, even where another worker has mended it meanwhile.
      if (!this.has(index) && hash !== this.#damaged.get(index)) this.#note(index, hash, false);
    }
    this.#manifest.sha256 ??= found.sha256;
  }

  /** Deletes everything of the model. */
  async drop(): Promise<void> {
    while (this.#writing) await this.#writing;
    this.#checked.clear();
    for (const index of this.#manifest.hashes.keys()) this.#note(index, null, false);
    this.#manifest.sha256 = null;
    await this.#blocks.deleteFolder(this.id);
  }

  /** Remembers that the model is used now. In a file of its own: any worker may write it at any time. */
  async touch(now: number): Promise<void> {
    if (this.#stored === 0) return;
    await this.#blocks.put(this.id, USED_NAME, new TextEncoder().encode(String(now))).catch(() => undefined);
  }

  /** Milliseconds since 1970; 0 if it was never noted. */
  async lastUsed(): Promise<number> {
    const text = await (await this.#blocks.get(this.id, USED_NAME))?.text().catch(() => '');
    const time = Number(text);
    return Number.isFinite(time) && time > 0 ? time : 0;
  }

  /** Null where it is not there, is of another size, or cannot even be looked up. */
  async #blob(index: number): Promise<Blob | null> {
    const blob = await this.#blocks.get(this.id, blockName(index)).catch(() => null);
    return blob?.size === this.blockLength(index) ? blob : null;
  }

  async #isRight(index: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const right = (await blockHash(bytes)) === this.#manifest.hashes[index];
    if (right) this.#checked.add(index);
    return right;
  }

  /** What does not fit is told in bytes of the file, not of the block. */
  async #put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      await this.#blocks.put(this.id, name, bytes);
    } catch (error) {
      if (!(error instanceof GemmaError) || error.code !== 'storage-full') throw error;
      throw fullError(this.size - this.#stored, error.detail.free as number | null, error);
    }
  }

  #forget(index: number): void {
    this.#checked.delete(index);
    this.#damaged.set(index, this.#manifest.hashes[index]);
    // What comes in its place need not be what was hashed with the rest.
    this.#manifest.sha256 = null;
    // Not written down: the next reader of the manifest finds out as well, and the folder may have been removed.
    this.#note(index, null, false);
  }

  #note(index: number, hash: string | null, save = true): void {
    const {hashes} = this.#manifest;
    if ((hashes[index] === null) !== (hash === null)) {
      this.#stored += hash === null ? -this.blockLength(index) : this.blockLength(index);
    }
    hashes[index] = hash;
    if (save) this.#save();
  }

  /** One writing at a time; what changes meanwhile is written next, together. */
  #save(): void {
    this.#dirty = true;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
  }

  async #write(): Promise<void> {
    while (this.#dirty && !this.#failure) {
      this.#dirty = false;
      const text = new TextEncoder().encode(writeManifest(this.#manifest));
      try {
        await this.#put(MANIFEST_NAME, text);
      } catch (error) {
        this.#failure = error as GemmaError;
      }
    }
  }
}

/** Null for a file that was taken away or changed since it was looked up. */
async function bytesOf(blob: Blob, room?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const bytes = room ? await readInto(room, blob) : new Uint8Array(await blob.arrayBuffer());
    return bytes.length === blob.size ? bytes : null;
  } catch {
    return null;
  }
}

/** The bytes of a Blob, in the memory given where the platform reads into it. */
async function readInto({buffer}: Uint8Array<ArrayBuffer>, blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = blob.stream().getReader({mode: 'byob'});
  } catch {
    return new Uint8Array(await blob.arrayBuffer());
  }
  let into = buffer;
  let filled = 0;
  reading.add(reader);
  try {
    while (filled < blob.size) {
      const {value, done} = await reader.read(new Uint8Array(into, filled, blob.size - filled));
      if (done || !value) break;
      into = value.buffer;
      filled += value.length;
    }
  } finally {
    reading.delete(reader);
  }
  reader.cancel().catch(() => undefined);
  return new Uint8Array(into, 0, filled);
}
