// Blocks as answers in the Cache API, one cache a model: for browsers whose private file system cannot be written from
// a worker without sync handles (Safari before 26). Its addresses are never fetched.
import {type BlockStore, failedError, type StorageLike, writeError} from './block-store.ts';

/** What we use of `caches`. */
export interface CachesLike {
  open(name: string): Promise<Pick<Cache, 'match' | 'put' | 'delete'>>;
  has(name: string): Promise<boolean>;
  delete(name: string): Promise<boolean>;
  keys(): Promise<string[]>;
}

/** Blocks in the Cache API. @param prefix of the caches' names */
export function cacheBlocks(caches: CachesLike, storage?: StorageLike, prefix = 'gemma-chat/'): BlockStore {
  const address = (name: string) => `https://gemma-chat.invalid/${encodeURIComponent(name)}`;
  return {
    kind: 'cache',
    capacity: Number.POSITIVE_INFINITY,
    async folders() {
      const names = await caches.keys();
      return names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
    },
    async get(folder, name) {
      try {
        // To open a cache is to make it.
        if (!(await caches.has(prefix + folder))) return null;
        const found = await (await caches.open(prefix + folder)).match(address(name));
        return found ? await found.blob() : null;
      } catch (error) {
        throw failedError('read', name, error);
      }
    },
    async put(folder, name, bytes) {
      try {
        await (await caches.open(prefix + folder)).put(address(name), new Response(bytes));
      } catch (error) {
        throw await writeError(error, {name, bytes: bytes.length}, storage);
      }
    },
    async delete(folder, name) {
      try {
        if (await caches.has(prefix + folder)) await (await caches.open(prefix + folder)).delete(address(name));
      } catch (error) {
        throw failedError('delete', name, error);
      }
    },
    async deleteFolder(folder) {
      try {
        await caches.delete(prefix + folder);
      } catch (error) {
        throw failedError('delete', folder, error);
      }
    },
  };
}
