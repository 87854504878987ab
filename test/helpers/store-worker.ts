// A worker with nothing but the store: fetches a file through it and says what it got. Bundled for the browser by the
// test that uses it.
import {createModelStore} from '../../src/store/create-model-store.ts';
import {blockName, MANIFEST_NAME} from '../../src/store/folder/manifest.ts';
import {Sha256} from '../../src/store/hash/sha256.ts';

export interface StoreRequest {
  url: string;
  blockBytes: number;
}

/**
 * `stored`: what was on the disk before anything was opened. `named` are numbers of the blocks that a manifest names, `blocks`
 * those of them whose file is there.
 */
export type StoreReply =
  | {type: 'stored'; named: number[]; blocks: number[]}
  | {type: 'done'; sha256: string; storedBytes: number}
  | {type: 'error'; message: string};

interface Port {
  postMessage(reply: StoreReply): void;
}

async function fetchFile({url, blockBytes}: StoreRequest, port: Port): Promise<void> {
  const {storage, locks} = navigator;
  port.postMessage({type: 'stored', ...(await storedBlocks(await storage.getDirectory()))});
  const store = await createModelStore({storage, locks, caches, blockBytes});
  const source = await store.open({url});
  const hash = new Sha256();
  for await (const piece of source.stream(0, source.size)) hash.update(piece);
  await source.settle();
  const [model] = await store.list();
  source.close();
  port.postMessage({type: 'done', sha256: hash.digest(), storedBytes: model?.storedBytes ?? 0});
}

/** Reads the disk itself: what the store says of it is what is tested. */
async function storedBlocks(folder: FileSystemDirectoryHandle): Promise<{named: number[]; blocks: number[]}> {
  const names = new Set<string>();
  const found = {named: [] as number[], blocks: [] as number[]};
  for await (const [name, handle] of folder.entries()) {
    names.add(name);
    // Another tab that begins tries out with a folder of its own whether it may write, and takes it away.
    if (handle.kind !== 'directory' || name.startsWith('probe-')) continue;
    const {named, blocks} = await storedBlocks(handle as FileSystemDirectoryHandle);
    found.named.push(...named);
    found.blocks.push(...blocks);
  }
  if (!names.has(MANIFEST_NAME)) return found;
  const text = await (await (await folder.getFileHandle(MANIFEST_NAME)).getFile()).text();
  if (text === '') return found; // the browser was killed before the first one was written
  const {hashes} = JSON.parse(text) as {hashes: (string | null)[]};
  const named = hashes.flatMap((hash, index) => (hash === null ? [] : [index]));
  found.named.push(...named);
  found.blocks.push(...named.filter((index) => names.has(blockName(index))));
  return found;
}

const port = self as unknown as Port;
self.addEventListener('message', ({data}) => {
  fetchFile(data as StoreRequest, port).catch((error) => port.postMessage({type: 'error', message: String(error)}));
});
