// What a place for blocks has to do, whatever it is made of: files of bytes in folders, one folder a model. Every back
// end passes test/helpers/block-store-contract.ts. Knows no manifest and no hash.
import {GemmaError} from '../../errors.ts';
import type {StorageKind} from '../model-store.ts';

export interface BlockStore {
  readonly kind: StorageKind;
  /** Bytes it holds at most before it forgets the oldest files; infinite where it forgets nothing. */
  readonly capacity: number;
  /** Names of all folders. */
  folders(): Promise<string[]>;
  /**
   * A file's bytes; null where there is none. Reading the Blob may still fail: files can be taken away at any time.
   * @throws GemmaError `storage-failed`
   */
  get(folder: string, name: string): Promise<Blob | null>;
  /**
   * Writes a file whole, over an older one. If it fails or the browser dies meanwhile, the old file stays, or an empty
   * one where there was none.
   * @throws GemmaError `storage-full`, `storage-failed`
   */
  put(folder: string, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** What is not there is deleted already. */
  delete(folder: string, name: string): Promise<void>;
  deleteFolder(folder: string): Promise<void>;
}

/** What `navigator.storage` tells of the site's space; null where it does not. */
export async function freeBytes(storage: StorageLike | undefined): Promise<number | null> {
  const estimate = await storage?.estimate?.().catch(() => undefined);
  if (estimate?.quota === undefined || estimate.usage === undefined) return null;
  return Math.max(0, estimate.quota - estimate.usage);
}

/** What we use of `navigator.storage`. */
export interface StorageLike {
  estimate?(): Promise<{quota?: number; usage?: number}>;
  persist?(): Promise<boolean>;
  persisted?(): Promise<boolean>;
  getDirectory?(): Promise<FileSystemDirectoryHandle>;
}

/** The error for a write that failed. */
export async function writeError(
  cause: unknown,
  what: {name: string; bytes: number},
  storage: StorageLike | undefined,
): Promise<GemmaError> {
  if (cause instanceof GemmaError) return cause;
  // Chromium aborts the stream of a write for which there is no more room.
  if (isNamed(cause, 'QuotaExceededError') || isNamed(cause, 'AbortError')) {
    return fullError(what.bytes, await freeBytes(storage), cause);
  }
  return failedError('write', what.name, cause);
}

/** @param needed bytes that still had to be written */
export function fullError(needed: number, free: number | null, cause?: unknown): GemmaError {
  // What a browser says of its space is an estimate, and the disk itself may be full.
  const tells = free !== null && free < needed;
  const rest = tells ? `this site has ${free} bytes left` : 'the browser gives this site no more space';
  return new GemmaError(
    'storage-full',
    `${needed} bytes are still to be stored and ${rest}. Free disk space or remove stored models, then load again: what is stored already is kept`,
    {detail: {needed, free}, cause},
  );
}

/** The GemmaError for a back end that failed: `storage-failed`. */
export function failedError(act: 'read' | 'write' | 'delete', name: string, cause: unknown): GemmaError {
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new GemmaError(
    'storage-failed',
    `the browser could not ${act} ${name} in its storage (${reason}). Load again`,
    {
      cause,
    },
  );
}

/** Whether it is an error of this name, from whatever realm. */
export function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
