// The file that a visitor chose last, kept so that the next visit can use it again without choosing: a handle in
// IndexedDB, in browsers that have such. The browser asks for permission anew.

const DATABASE = 'gemma-chat-files';
const STORE = 'handles';
const KEY = 'last';

type Permission = {mode: 'read'};
/** Not in TypeScript's library yet. */
type Handle = FileSystemFileHandle & {
  queryPermission?(options: Permission): Promise<PermissionState>;
  requestPermission?(options: Permission): Promise<PermissionState>;
};

/** The files of one model. Nothing is kept where the browser cannot. */
export async function rememberFiles(handles: readonly FileSystemFileHandle[]): Promise<void> {
  await withStore('readwrite', (store) => store.put([...handles], KEY)).catch(() => undefined);
}

/** Forgets the handles. Never throws. */
export async function forgetFiles(): Promise<void> {
  await withStore('readwrite', (store) => store.delete(KEY)).catch(() => undefined);
}

/** The handles of the last choice; none where the browser has none. Never throws. */
export async function rememberedFiles(): Promise<FileSystemFileHandle[]> {
  try {
    const found: unknown = await withStore('readonly', (store) => store.get(KEY));
    return Array.isArray(found) ? found.filter((one): one is FileSystemFileHandle => one?.kind === 'file') : [];
  } catch {
    return [];
  }
}

/**
 * The files behind the handles, once the visitor lets us. To be called in an act of the visitor's. Null where they
 * refuse; rejects where a file is gone.
 */
export async function openHandles(handles: readonly FileSystemFileHandle[]): Promise<File[] | null> {
  const read: Permission = {mode: 'read'};
  for (const handle of handles as readonly Handle[]) {
    const state = (await handle.queryPermission?.(read)) ?? 'granted';
    if (state !== 'granted' && (await handle.requestPermission?.(read)) !== 'granted') return null;
  }
  return Promise.all(handles.map((handle) => handle.getFile()));
}

function withStore<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      try {
        const request = work(database.transaction(STORE, mode).objectStore(STORE));
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
        request.transaction!.oncomplete = () => database.close();
      } catch (error) {
        database.close();
        reject(error);
      }
    };
  });
}
