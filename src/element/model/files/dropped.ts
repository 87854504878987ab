// What was dropped on the element, as files and folders. Reads a drop's items at once, as browsers demand; knows no
// model.
import type {Folder} from './ollama-folder.ts';

/** What an item was when it was dropped; a file's handle where the browser has such. */
export interface Dropped {
  readonly files: File[];
  readonly folders: Folder[];
  /** Of `files`, if the browser gives handles for all. */
  readonly handles: Promise<FileSystemFileHandle[]>;
}

/** To be called while the event is dispatched. */
export function readDrop(data: DataTransfer): Dropped {
  const files: File[] = [];
  const folders: Folder[] = [];
  const handles: Promise<FileSystemHandle | null>[] = [];
  for (const item of data.items) {
    if (item.kind !== 'file') continue;
    const entry = item.webkitGetAsEntry?.();
    if (entry?.isDirectory) {
      folders.push(entryFolder(entry as FileSystemDirectoryEntry));
      continue;
    }
    const file = item.getAsFile();
    if (!file) continue;
    files.push(file);
    const asHandle = (item as {getAsFileSystemHandle?(): Promise<FileSystemHandle | null>}).getAsFileSystemHandle;
    if (asHandle) handles.push(asHandle.call(item).catch(() => null));
  }
  const all = Promise.all(handles).then((found) => {
    const ofFiles = found.filter((handle): handle is FileSystemFileHandle => handle?.kind === 'file');
    return ofFiles.length === files.length ? ofFiles : [];
  });
  return {files, folders, handles: all};
}

function entryFolder(entry: FileSystemDirectoryEntry): Folder {
  const get = <T extends FileSystemEntry>(kind: 'getFile' | 'getDirectory', name: string): Promise<T | null> =>
    new Promise((resolve) => {
      entry[kind](
        name,
        {},
        (found) => resolve(found as T),
        () => resolve(null),
      );
    });
  return {
    name: entry.name,
    async folder(name) {
      const found = await get<FileSystemDirectoryEntry>('getDirectory', name);
      return found && entryFolder(found);
    },
    async file(name) {
      const found = await get<FileSystemFileEntry>('getFile', name);
      return found && new Promise((resolve) => found.file(resolve, () => resolve(null)));
    },
    async entries() {
      const reader = entry.createReader();
      const all: {name: string; isFolder: boolean}[] = [];
      for (;;) {
        // A hundred at a time, until there are none.
        const some = await new Promise<FileSystemEntry[]>((resolve) => reader.readEntries(resolve, () => resolve([])));
        if (some.length === 0) return all;
        all.push(...some.map(({name, isDirectory}) => ({name, isFolder: isDirectory})));
      }
    },
  };
}
