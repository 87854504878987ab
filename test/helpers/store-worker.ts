// A worker with nothing but the store: fetches a file through it and says what it got. Bundled for the browser by the
// test that uses it.
import {createModelStore} from '../../src/store/create-model-store.ts';
import {Sha256} from '../../src/store/hash/sha256.ts';

export interface StoreRequest {
  url: string;
  blockBytes: number;
}

/** `stored`: numbers of the blocks that a manifest on the disk named before anything was opened. */
export type StoreReply =
  | {type: 'stored'; blocks: number[]}
  | {type: 'done'; sha256: string; storedBytes: number}
  | {type: 'error'; message: string};

interface Port {
  postMessage(reply: StoreReply): void;
}

async function fetchFile({url, blockBytes}: StoreRequest, port: Port): Promise<void> {
  const {storage, locks} = navigator;
  port.postMessage({type: 'stored', blocks: await storedBlocks(await storage.getDirectory())});
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
async function storedBlocks(folder: FileSystemDirectoryHandle): Promise<number[]> {
  const blocks: number[] = [];
  for await (const [name, handle] of folder.entries()) {
    // Another tab that begins tries out with a folder of its own whether it may write, and takes it away.
    if (name.startsWith('probe-')) continue;
    if (handle.kind === 'directory') blocks.push(...(await storedBlocks(handle as FileSystemDirectoryHandle)));
    if (name !== 'manifest.json') continue;
    const text = await (await (handle as FileSystemFileHandle).getFile()).text();
    if (text === '') continue; // the browser was killed before the first one was written
    const {hashes} = JSON.parse(text) as {hashes: (string | null)[]};
    blocks.push(...hashes.flatMap((hash, index) => (hash === null ? [] : [index])));
  }
  return blocks;
}

const port = self as unknown as Port;
self.addEventListener('message', ({data}) => {
  fetchFile(data as StoreRequest, port).catch((error) => port.postMessage({type: 'error', message: String(error)}));
});
