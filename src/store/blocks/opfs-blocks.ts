// Blocks as files in the origin private file system. Uses its asynchronous half only: a SharedWorker has no sync access
// handles. A writable stream writes beside the file and takes its place when it is closed, so no half block is ever seen.
import {type BlockStore, failedError, isNamed, type StorageLike, writeError} from './block-store.ts';

const BUSY_TRIES = 20;
const BUSY_PAUSE_MS = 50;

/**
 * @param given our own folder: everything in it is a model's
 * @param reopen makes it anew, after "Clear site data" has taken it from under its handle
 */
export function opfsBlocks(
  given: FileSystemDirectoryHandle,
  storage?: StorageLike,
  reopen?: () => Promise<FileSystemDirectoryHandle>,
): BlockStore {
  let root = given;
  const opened = new Map<string, Promise<FileSystemDirectoryHandle>>();
  const openFolder = async (name: string, create: boolean): Promise<FileSystemDirectoryHandle> => {
    try {
      return await root.getDirectoryHandle(name, {create});
    } catch (error) {
      if (!create || !reopen || !isNamed(error, 'NotFoundError')) throw error;
      root = await reopen();
      return root.getDirectoryHandle(name, {create});
    }
  };
  const folderOf = (name: string, create: boolean): Promise<FileSystemDirectoryHandle> => {
    const known = opened.get(name);
    if (known) return known;
    const opening = openFolder(name, create);
    opened.set(name, opening);
    opening.catch(() => opened.delete(name));
    return opening;
  };
  const write = async (folder: string, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    const file = await (await folderOf(folder, true)).getFileHandle(name, {create: true});
    const writable = await file.createWritable();
    try {
      await writable.write(bytes);
      await writable.close();
    } catch (error) {
      await writable.abort().catch(() => undefined);
      throw error;
    }
  };
  return {
    kind: 'opfs',
    capacity: Number.POSITIVE_INFINITY,
    async folders() {
      const names: string[] = [];
      try {
        for await (const [name, handle] of root.entries()) if (handle.kind === 'directory') names.push(name);
      } catch (error) {
        if (!isNamed(error, 'NotFoundError')) throw error; // cleared: there is nothing
      }
      return names;
    },
    async get(folder, name) {
      try {
        return await (await (await folderOf(folder, false)).getFileHandle(name)).getFile();
      } catch (error) {
        if (!isNamed(error, 'NotFoundError')) throw failedError('read', name, error);
        opened.delete(folder); // the folder may be another one by now
        return null;
      }
    },
    async put(folder, name, bytes) {
      try {
        await settled(
          () => write(folder, name, bytes),
          () => opened.delete(folder),
        );
      } catch (error) {
        throw await writeError(error, {name, bytes: bytes.length}, storage);
      }
    },
    async delete(folder, name) {
      try {
        await (await folderOf(folder, false)).removeEntry(name);
      } catch (error) {
        if (!isNamed(error, 'NotFoundError')) throw failedError('delete', name, error);
      }
    },
    async deleteFolder(folder) {
      opened.delete(folder);
      try {
        await settled(() => root.removeEntry(folder, {recursive: true}));
      } catch (error) {
        if (!isNamed(error, 'NotFoundError')) throw failedError('delete', folder, error);
      }
    },
  };
}

/**
 * Tries again what another worker, or the clearing of the site's data, is in the way of: something in the folder is being
 * written (when it was used last, say), or the folder is being removed. `gone` is called where it was.
 */
async function settled(act: () => Promise<void>, gone?: () => void): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await act();
    } catch (error) {
      const busy = isNamed(error, 'NoModificationAllowedError') || isNamed(error, 'InvalidModificationError');
      const again = busy || (gone && isNamed(error, 'NotFoundError'));
      if (!again || tries === BUSY_TRIES) throw error;
      gone?.();
      await new Promise((resolve) => setTimeout(resolve, BUSY_PAUSE_MS));
    }
  }
}
