// Files that sites share by their hash, where a browser offers that (Cross-Origin Storage, a proposal of the WICG): read
// what another site has stored, and offer what was verified here. Feature-detected; absent, it is as if nothing were there.
import type {ByteSource} from '../../gguf/byte-source.ts';
import {blobSource} from './blob-source.ts';

interface Hash {
  readonly algorithm: 'SHA-256';
  /** Hex. */
  readonly value: string;
}

/** What we use of `navigator.crossOriginStorage`; the second name is the proposal's older one. */
export interface CrossOriginStorage {
  getFileHandle?(hash: Hash, options?: {create?: boolean; origins?: string}): Promise<FileHandle>;
  requestFileHandle?(hash: Hash, options?: {create?: boolean; origins?: string}): Promise<FileHandle>;
}

interface FileHandle {
  getFile(): Promise<Blob>;
  createWritable(): Promise<{
    write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
    close(): Promise<void>;
    abort?(): Promise<void>;
  }>;
}

/** This browser's, if it has one. */
export function browserCrossOriginStorage(): CrossOriginStorage | undefined {
  return (globalThis.navigator as {crossOriginStorage?: CrossOriginStorage} | undefined)?.crossOriginStorage;
}

/**
 * The file with this SHA-256, or null where it is not shared, or the visitor or the browser will not have it. The
 * browser vouches for the hash of what it hands out; who needs to be sure checks it all the same.
 */
export async function sharedFile(
  storage: CrossOriginStorage | undefined,
  sha256: string,
  size: number | null,
  name: string,
): Promise<ByteSource | null> {
  try {
    const handle = await open(storage, sha256);
    const blob = await handle?.getFile();
    return blob && (size === null || blob.size === size) ? blobSource(blob, name) : null;
  } catch {
    return null; // NotFoundError, NotAllowedError: the network has it
  }
}

/**
 * Offers a file whose hash was found to be `sha256`. Never throws: nothing here depends on it. True if it was taken.
 */
export async function shareFile(
  storage: CrossOriginStorage | undefined,
  sha256: string,
  file: ByteSource,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    // There already: nothing to write.
    if (await sharedFile(storage, sha256, file.size, file.name)) return false;
    const handle = await open(storage, sha256, {create: true, origins: '*'});
    if (!handle) return false;
    const writable = await handle.createWritable();
    try {
      for await (const piece of file.stream(0, file.size, signal)) {
        await writable.write(piece as Uint8Array<ArrayBuffer>);
      }
      await writable.close();
      return true;
    } catch (error) {
      await writable.abort?.();
      throw error;
    }
  } catch {
    return false;
  }
}

async function open(
  storage: CrossOriginStorage | undefined,
  value: string,
  options?: {create: boolean; origins: string},
): Promise<FileHandle | null> {
  const hash: Hash = {algorithm: 'SHA-256', value};
  if (typeof storage?.getFileHandle === 'function') return storage.getFileHandle(hash, options);
  if (typeof storage?.requestFileHandle === 'function') return storage.requestFileHandle(hash, options);
  return null;
}
