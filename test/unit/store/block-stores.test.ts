// The contract over the back ends that run in Node, and how one is chosen. The real ones run in test/store/ in a browser.
import {expect} from 'chai';
import {writeError} from '../../../src/store/blocks/block-store.ts';
import {cacheBlocks} from '../../../src/store/blocks/cache-blocks.ts';
import {chooseBlocks} from '../../../src/store/blocks/choose-blocks.ts';
import {memoryBlocks} from '../../../src/store/blocks/memory-blocks.ts';
import {opfsBlocks} from '../../../src/store/blocks/opfs-blocks.ts';
import {describeBlockStore} from '../../helpers/block-store-contract.ts';
import {FakeFileSystem, fakeCaches} from '../../helpers/store-fakes.ts';
import {rejection} from './rejection.ts';

describe('block stores', () => {
  describeBlockStore('memory', async () => memoryBlocks());
  const disk = new FakeFileSystem();
  describeBlockStore('a file system', async () => opfsBlocks(disk.root), {
    clear: async (folder) => void disk.folders.delete(folder),
  });
  const caches = fakeCaches();
  describeBlockStore('a cache', async () => cacheBlocks(caches), {
    clear: async (folder) => void (await caches.delete(`gemma-chat/${folder}`)),
  });

  it('calls a disk full whose writes the browser breaks off, and names no room that it does not give', async () => {
    const storage = {estimate: async () => ({quota: 10e9, usage: 0})};
    // What Chromium says of a write beyond its quota.
    const cause = new DOMException('Failed to write data to data pipe', 'AbortError');
    const error = await writeError(cause, {name: '00000.block', bytes: 4096}, storage);
    expect(error.code).to.equal('storage-full');
    expect(error.message).to.contain('gives this site no more space').and.not.contain('bytes left');
    const failed = await writeError(new DOMException('no', 'InvalidStateError'), {name: 'x', bytes: 1}, storage);
    expect(failed.code).to.equal('storage-failed');
  });

  it('forgets what was written first where memory is short', async () => {
    const store = memoryBlocks(10);
    for (const name of ['a', 'b', 'c']) await store.put('m', name, new Uint8Array(4));
    expect(await Promise.all(['a', 'b', 'c'].map(async (name) => (await store.get('m', name))?.size))).to.deep.equal([
      undefined,
      4,
      4,
    ]);
  });

  it('says how much is missing when the disk is full, and keeps what is there', async () => {
    const full = new FakeFileSystem();
    full.quota = 1000;
    const store = opfsBlocks(full.root, full);
    await store.put('m', 'a', new Uint8Array(900));
    const error = await rejection(store.put('m', 'b', new Uint8Array(200)));
    expect(error).to.deep.include({code: 'storage-full', detail: {needed: 200, free: 100}});
    expect((await store.get('m', 'a'))?.size).to.equal(900);
  });

  it('keeps the old file where a write is cut off, at every step', async () => {
    for (let step = 1; ; step++) {
      const disk = new FakeFileSystem();
      const store = opfsBlocks(disk.root);
      await store.put('m', 'a', Uint8Array.of(1));
      Object.assign(disk, {failAt: disk.steps + step, fault: 'crash'});
      const failed = await store.put('m', 'a', Uint8Array.of(2)).then(
        () => false,
        (error) => error.code === 'storage-failed',
      );
      disk.restart();
      const bytes = await (await opfsBlocks(disk.root).get('m', 'a'))?.arrayBuffer();
      expect(new Uint8Array(bytes ?? new ArrayBuffer(0))[0]).to.equal(failed ? 1 : 2);
      if (!failed) break;
    }
  });

  describe('chosen', () => {
    const storage = (root: () => Promise<FileSystemDirectoryHandle>) => ({getDirectory: root});
    const withFolder = (disk: FakeFileSystem) =>
      ({getDirectoryHandle: async () => disk.root}) as unknown as FileSystemDirectoryHandle;
    const refuse = async () => {
      throw new DOMException('not here', 'SecurityError');
    };

    it('is the private file system where it can be written, and leaves nothing there', async () => {
      const disk = new FakeFileSystem();
      const blocks = await chooseBlocks({storage: storage(async () => withFolder(disk)), caches: fakeCaches()});
      expect([blocks.kind, disk.folders.size]).to.deep.equal(['opfs', 0]);
    });

    for (const [title, opfs] of [
      ['missing', undefined],
      ['refused', storage(refuse)],
      ['without createWritable', storage(async () => withoutWriting())],
    ] as const) {
      it(`is the cache where it is ${title}`, async () => {
        expect((await chooseBlocks({storage: opfs, caches: fakeCaches()})).kind).to.equal('cache');
      });
    }

    it('is memory where nothing can be stored', async () => {
      const caches = {...fakeCaches(), open: refuse};
      expect((await chooseBlocks({storage: storage(refuse), caches})).kind).to.equal('memory');
      expect((await chooseBlocks({})).kind).to.equal('memory');
    });
  });
});

/** Safari 16 to 18 outside a dedicated worker: files can be made and read. */
function withoutWriting(): FileSystemDirectoryHandle {
  const file = {getFile: async () => new Blob([])};
  const folder = {getDirectoryHandle: async () => folder, getFileHandle: async () => file, removeEntry: async () => {}};
  return folder as unknown as FileSystemDirectoryHandle;
}
