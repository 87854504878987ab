// Blocks in memory, where nothing may be stored: a window over what was read last, not a place to keep a model.
import type {BlockStore} from './block-store.ts';

/** What stream-only costs in memory: a few blocks. */
const CAPACITY = 32 * 2 ** 20;

/** Keeps what it is given, uncopied. Forgets the file that was written first, as soon as a new one would not fit. */
export function memoryBlocks(capacity = CAPACITY): BlockStore {
  // One map over all folders: a Map remembers the order of writing.
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  let held = 0;
  const remove = (key: string): void => {
    held -= files.get(key)?.length ?? 0;
    files.delete(key);
  };
  const keysOf = (folder: string) => [...files.keys()].filter((key) => key.startsWith(`${folder}/`));
  return {
    kind: 'memory',
    capacity,
    async folders() {
      return [...new Set([...files.keys()].map((key) => key.slice(0, key.indexOf('/'))))];
    },
    async get(folder, name) {
      const bytes = files.get(`${folder}/${name}`);
      return bytes ? new Blob([bytes]) : null;
    },
    async put(folder, name, bytes) {
      const key = `${folder}/${name}`;
      remove(key);
      files.set(key, bytes);
      held += bytes.length;
      for (const oldest of files.keys()) {
        if (held <= capacity || oldest === key) break;
        remove(oldest);
      }
    },
    async delete(folder, name) {
      remove(`${folder}/${name}`);
    },
    async deleteFolder(folder) {
      for (const key of keysOf(folder)) remove(key);
    },
  };
}
