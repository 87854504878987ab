// What is written down of a stored model: which version of which file, and the hash of every block that is there. The
// manifest is written after the blocks it names; a block it does not name does not exist.
import type {FileIdentity} from '../http/http-answer.ts';

export const MANIFEST_NAME = 'manifest.json';
const VERSION = 2;
// What a manifest may ask us to allocate: a block is held in memory, and the hashes of a file.
const BLOCK_LIMITS = {min: 2 ** 10, max: 2 ** 26} as const;
const MAX_BLOCKS = 2 ** 20;
const MAX_TEXT = 128 * MAX_BLOCKS;
const HASH = /^[0-9a-f]{64}$/;

export interface Manifest {
  readonly url: string;
  readonly identity: FileIdentity;
  readonly blockBytes: number;
  /** Of each block that is stored, as `blockHash` has it, in file order; null for one that is not. */
  readonly hashes: (string | null)[];
  /** SHA-256 (hex) the whole was found to have. */
  sha256: string | null;
}

/** The manifest of a model of which nothing is stored. `blockBytes`: of each block but the last. */
export function newManifest(url: string, identity: FileIdentity, blockBytes: number): Manifest {
  const hashes = new Array<null>(Math.ceil(identity.size / blockBytes)).fill(null);
  return {url, identity, blockBytes, hashes, sha256: null};
}

/** The file of a block, by its number. */
export const blockName = (index: number): string => `${String(index).padStart(5, '0')}.block`;

/** Bytes of a block: all but the last are equal. */
export function blockLength({identity, blockBytes}: Manifest, index: number): number {
  return Math.min(blockBytes, identity.size - index * blockBytes);
}

/** Bytes of the blocks that are there. */
export function storedBytes(manifest: Manifest): number {
  return manifest.hashes.reduce((sum, hash, index) => sum + (hash === null ? 0 : blockLength(manifest, index)), 0);
}

/** Whether every block is there. */
export function isComplete({hashes}: Manifest): boolean {
  return hashes.every((hash) => hash !== null);
}

/** As JSON. */
export function writeManifest({url, identity, blockBytes, hashes, sha256}: Manifest): string {
  const {size, etag, lastModified} = identity;
  return JSON.stringify({version: VERSION, url, size, etag, lastModified, blockBytes, sha256, hashes});
}

/** Null for anything that is not whole and sensible: nothing is stored then. */
export async function readManifest(blob: Blob | null): Promise<Manifest | null> {
  if (!blob || blob.size === 0 || blob.size > MAX_TEXT) return null;
  let found: Record<string, unknown> | null;
  try {
    found = JSON.parse(await blob.text()) as Record<string, unknown> | null;
  } catch {
    return null;
  }
  if (typeof found !== 'object' || found === null || found.version !== VERSION) return null;
  const {url, size, etag, lastModified, blockBytes, sha256, hashes} = found;
  const sound =
    typeof url === 'string' &&
    isCount(size) &&
    isTextOrNull(etag) &&
    isTextOrNull(lastModified) &&
    isCount(blockBytes) &&
    blockBytes >= BLOCK_LIMITS.min &&
    blockBytes <= BLOCK_LIMITS.max &&
    isHashOrNull(sha256) &&
    Array.isArray(hashes) &&
    hashes.length === Math.ceil(size / blockBytes) &&
    hashes.length <= MAX_BLOCKS &&
    hashes.every(isHashOrNull);
  return sound ? {url, identity: {size, etag, lastModified}, blockBytes, hashes, sha256} : null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

function isHashOrNull(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && HASH.test(value));
}
