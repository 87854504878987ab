// Which file an address stands for: asks the disk and the server, and judges whether what is stored is still that file. Opens
// and deletes nothing.
import {GemmaError, isAbort} from '../errors.ts';
import type {BlockStore} from './blocks/block-store.ts';
import {ModelFolder} from './folder/model-folder.ts';
import {parseIntegrity, sha256Hex} from './hash/integrity.ts';
import {describeChange, type FileIdentity} from './http/http-answer.ts';
import {RemoteFile, type RemoteOptions} from './http/remote-file.ts';
import {DEFAULT_POLICY, type RetryPolicy} from './http/retry.ts';
import type {ModelAddress} from './model-store.ts';

/** How a server is asked. */
export interface FindOptions extends Pick<RemoteOptions, 'fetch' | 'origin' | 'clock'> {
  readonly policy?: Partial<RetryPolicy>;
}

/** The first bytes of a range that was asked for. */
interface FirstBytes {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A file as it was found: on the server, on the disk, or both. */
export interface FoundFile {
  /** Name of its folder. */
  readonly id: string;
  readonly remote: RemoteFile;
  /** What is stored of this very version. */
  readonly folder: ModelFolder | null;
  readonly identity: FileIdentity;
  /** SHA-256 (hex) the whole has to have; null if none is known. */
  readonly sha256: string | null;
  readonly online: boolean;
  /** Whether the server sends ranges, as far as it was asked. */
  readonly ranges: boolean;
  /** Bytes that came with the answer. */
  readonly first: FirstBytes;
}

/** A server's answer about a file. */
interface Answer {
  readonly remote: RemoteFile;
  readonly identity: FileIdentity;
  readonly ranges: boolean;
  readonly first: FirstBytes;
}

/** Bytes of the first request: a GGUF's first header chunk, which answers the reader's first read. */
export const HEAD_BYTES = 64 * 1024;
/** A stored file waits no longer than this for its server to confirm it. */
const CONFIRM_POLICY: Partial<RetryPolicy> = {openAttempts: 1, stallMs: 5000};
const NO_BYTES: FirstBytes = {offset: 0, bytes: new Uint8Array(0)};

/** Finds files for one store. */
export class FileFinder {
  readonly #blocks: BlockStore;
  readonly #options: FindOptions;

  constructor(blocks: BlockStore, options: FindOptions) {
    this.#blocks = blocks;
    this.#options = options;
  }

  /** The folder's name for an address. @throws GemmaError `option-invalid` */
  async idOf({url, integrity}: ModelAddress): Promise<string> {
    const id = await idOf(this.#remote({url}));
    return (await this.#stored(id, integrity === undefined ? null : parseIntegrity(integrity)))?.id ?? id;
  }

  /** @throws GemmaError as `ModelStore.open`; AbortError */
  async find(address: ModelAddress, signal: AbortSignal): Promise<FoundFile> {
    signal.throwIfAborted();
    const integrity = address.integrity === undefined ? null : parseIntegrity(address.integrity);
    const remote = this.#remote(address);
    const folder = await this.#stored(await idOf(remote), integrity);
    const id = folder?.id ?? (await idOf(remote));
    if (folder?.complete && integrity !== null && folder.sha256 === integrity) {
      return this.#storedOnly(address, folder, integrity);
    }
    const answer = folder && (await this.#confirm(address, folder, signal));
    if (answer === 'unreachable') return this.#storedOnly(address, folder!, integrity);
    if (answer) return {id, folder, sha256: expected(answer.remote, integrity), online: true, ...answer};
    const first = await this.#ask(remote, 0, HEAD_BYTES, signal);
    return {id, folder: null, sha256: expected(remote, integrity), online: true, ...first};
  }

  /** A stored file whose server is not asked, or does not answer. */
  #storedOnly(address: ModelAddress, folder: ModelFolder, sha256: string | null): FoundFile {
    const {id, identity} = folder;
    const remote = this.#remote(address, identity);
    return {id, remote, folder, identity, sha256, online: false, ranges: true, first: NO_BYTES};
  }

  /** What is stored under the URL or, whatever its URL, with the hash; not what is stored and known to be another file. */
  async #stored(id: string, integrity: string | null): Promise<ModelFolder | null> {
    if (this.#blocks.kind === 'memory') return null; // what is there may be forgotten before it is read
    const own = await ModelFolder.load(this.#blocks, id);
    if (integrity === null || own?.sha256 === integrity) return own;
    for (const other of await this.#blocks.folders()) {
      const folder = other === id ? null : await ModelFolder.load(this.#blocks, other);
      if (folder?.complete && folder.sha256 === integrity) return folder;
    }
    return own?.sha256 == null ? own : null;
  }

  /** The server's answer if it still has the file that is stored; null if it has another. */
  async #confirm(
    address: ModelAddress,
    folder: ModelFolder,
    signal: AbortSignal,
  ): Promise<Answer | 'unreachable' | null> {
    const missing = firstMissing(folder);
    const answer = await (missing === null
      ? this.#confirmWhole(address, folder, signal)
      : this.#confirmPart(address, folder, missing, signal));
    if (answer === null || answer === 'unreachable' || !isAnother(folder, answer)) return answer;
    answer.remote.close();
    return null;
  }

  /** Asks for one byte, and once: a file that is here needs no server. */
  async #confirmWhole(
    address: ModelAddress,
    folder: ModelFolder,
    signal: AbortSignal,
  ): Promise<Answer | 'unreachable' | null> {
    const remote = this.#remote(address, null, CONFIRM_POLICY);
    try {
      const answer = await this.#ask(remote, 0, 1, signal);
      return {...answer, remote: this.#remote(address, folder.identity), first: NO_BYTES};
    } catch (error) {
      if (isAbort(error)) throw error;
      return isBeyondEnd(error) ? null : 'unreachable';
    } finally {
      remote.close();
    }
  }

  /** Asks for the first missing bytes, which are needed anyway. */
  async #confirmPart(
    address: ModelAddress,
    folder: ModelFolder,
    missing: number,
    signal: AbortSignal,
  ): Promise<Answer | null> {
    const remote = this.#remote(address);
    const length = Math.min(HEAD_BYTES, folder.blockLength(missing));
    try {
      return await this.#ask(remote, missing * folder.blockBytes, length, signal);
    } catch (error) {
      remote.close();
      if (isBeyondEnd(error)) return null;
      throw error;
    }
  }

  #remote(
    {url, integrity}: ModelAddress,
    stored: FileIdentity | null = null,
    policy: Partial<RetryPolicy> = {},
  ): RemoteFile {
    const {fetch, origin, clock} = this.#options;
    const wanted = {...DEFAULT_POLICY, ...this.#options.policy, ...policy};
    return new RemoteFile(url, {fetch, origin, clock, policy: wanted, hashJudges: integrity !== undefined}, stored);
  }

  async #ask(remote: RemoteFile, offset: number, length: number, signal: AbortSignal): Promise<Answer> {
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
}

/** A file's folder is named by the address alone. */
function idOf(remote: RemoteFile): Promise<string> {
  return sha256Hex(new TextEncoder().encode(remote.url));
}

/** Whether a server's file is not the one that is stored. */
function isAnother({identity, sha256}: ModelFolder, answer: Answer): boolean {
  // A whole file has been hashed. Parts of one can only be recognised by what the server said of them.
  const stored = sha256 === null ? identity : {...identity, sha256};
  return Boolean(describeChange(stored, answer.identity));
}

/** Bytes were asked for beyond the end: the server has a shorter file. */
function isBeyondEnd(error: unknown): boolean {
  return error instanceof GemmaError && error.detail.status === 416;
}

function firstMissing(folder: ModelFolder): number | null {
  for (let index = 0; index < folder.blockCount; index++) if (!folder.has(index)) return index;
  return null;
}

/** The hash that the file must have. @throws GemmaError `integrity-mismatch` if the server itself names another one */
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
