// Blocks as files in the origin private file system. Uses its asynchronous half only: a SharedWorker has no sync access
// handles. A writable stream writes beside the file and takes its place when it is closed, so no half block is ever seen.
import {type BlockStore, failedError, isNamed, type StorageLike, writeError} from './block-store.ts';

const DELETE_TRIES = 20;
const DELETE_PAUSE_MS = 50;

/** @param root our own folder: everything in it is a model's */
export function opfsBlocks(root: FileSystemDirectoryHandle, storage?: StorageLike): BlockStore {
  const opened = new Map<string, Promise<FileSystemDirectoryHandle>>();
  const folderOf = (name: string, create: boolean): Promise<FileSystemDirectoryHandle> => {
    const known = opened.get(name);
    if (known) return known;
    const opening = root.getDirectoryHandle(name, {create});
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
      for await (const [name, handle] of root.entries()) if (handle.kind === 'directory') names.push(name);
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
        await write(folder, name, bytes).catch((error) => {
          if (!isNamed(error, 'NotFoundError') || !opened.delete(folder)) throw error;
          return write(folder, name, bytes); // the folder was cleared while it was open
        });
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
      for (let tries = 1; ; tries++) {
        try {
          return await root.removeEntry(folder, {recursive: true});
        } catch (error) {
          if (isNamed(error, 'NotFoundError')) return;
          if (!isNamed(error, 'NoModificationAllowedError') || tries === DELETE_TRIES) {
            throw failedError('delete', folder, error);
          }
          // Something in it is being written: when it was used last, say, by another worker.
          await new Promise((resolve) => setTimeout(resolve, DELETE_PAUSE_MS));
        }
      }
    },
  };
}
