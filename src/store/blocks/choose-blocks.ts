// Where this browser lets us keep blocks, found out by keeping one: what an API is called says little about whether a
// private window lets it write.
import type {BlockStore, StorageLike} from './block-store.ts';
import {type CachesLike, cacheBlocks} from './cache-blocks.ts';
import {memoryBlocks} from './memory-blocks.ts';
import {opfsBlocks} from './opfs-blocks.ts';

/** The browser's storage, or a test's. */
export interface Platform {
  readonly storage?: StorageLike;
  readonly caches?: CachesLike;
}

const FOLDER = 'gemma-chat';
const PROBE = 'probe';

/**
 * The first of OPFS, Cache and memory that gives back what was put in.
 * @param name of our place among the site's: what is in one is not in another
 */
export async function chooseBlocks(platform: Platform, name = FOLDER): Promise<BlockStore> {
  for (const open of [openOpfs, openCache]) {
    try {
      const blocks = await open(platform, name);
      if (blocks && (await works(blocks))) return blocks;
    } catch {
      // Not allowed here, or not whole: the next one.
    }
  }
  return memoryBlocks();
}

async function openOpfs({storage}: Platform, name: string): Promise<BlockStore | null> {
  const open = async (): Promise<FileSystemDirectoryHandle | undefined> =>
    (await storage?.getDirectory?.())?.getDirectoryHandle(name, {create: true});
  const root = await open();
  return root ? opfsBlocks(root, storage, async () => (await open()) ?? root) : null;
}

async function openCache({caches, storage}: Platform, name: string): Promise<BlockStore | null> {
  return caches ? cacheBlocks(caches, storage, `${name}/`) : null;
}

async function works(blocks: BlockStore): Promise<boolean> {
  // A name of its own: several workers may probe at once.
  const folder = `${PROBE}-${crypto.randomUUID()}`;
  try {
    await blocks.put(folder, PROBE, Uint8Array.of(71));
    const blob = await blocks.get(folder, PROBE);
    return blob !== null && new Uint8Array(await blob.arrayBuffer())[0] === 71;
  } finally {
    await blocks.deleteFolder(folder);
  }
}
