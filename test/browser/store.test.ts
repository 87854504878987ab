// The real private file system and the real cache of a browser: the contract of every block store, and models that are
// loaded, damaged, mended and removed there. What servers do wrong is tried in test/unit/store/, in Node.
import {expect} from 'chai';
import {cacheBlocks} from '../../src/store/blocks/cache-blocks.ts';
import {chooseBlocks} from '../../src/store/blocks/choose-blocks.ts';
import {opfsBlocks} from '../../src/store/blocks/opfs-blocks.ts';
import {createModelStore} from '../../src/store/create-model-store.ts';
import {blockName, MANIFEST_NAME} from '../../src/store/folder/manifest.ts';
import {sha256Hex} from '../../src/store/hash/integrity.ts';
import type {ModelStore} from '../../src/store/model-store.ts';
import {describeBlockStore} from '../helpers/block-store-contract.ts';
import {FakeClock} from '../helpers/store-fakes.ts';

const {storage, locks} = navigator;
const URL_OF_MODEL = 'https://models.example/model.gguf';
const BLOCK = 64 * 1024;
const SIZE = 20 * BLOCK + 77;

const rootOf = async (name: string) => (await storage.getDirectory()).getDirectoryHandle(name, {create: true});

describe('storage in a browser', () => {
  describeBlockStore('the private file system', async () => opfsBlocks(await rootOf('contract'), storage), {
    clear: async (folder) => (await rootOf('contract')).removeEntry(folder, {recursive: true}),
  });
  describeBlockStore('the cache', async () => cacheBlocks(caches, storage), {
    clear: async (folder) => void (await caches.delete(`gemma-chat/${folder}`)),
  });

  it('goes on when the site’s data is cleared under its hands, in the middle of writing', async () => {
    const blocks = opfsBlocks(await rootOf('cleared'), storage, () => rootOf('cleared'));
    const bytes = new Uint8Array(BLOCK);
    await blocks.put('m', 'before', bytes);
    const clear = async () => (await storage.getDirectory()).removeEntry('cleared', {recursive: true});
    for (let round = 0; round < 5; round++) {
      const names = Array.from({length: 4}, (_, i) => `${round}-${i}`);
      const writing = Promise.all(names.map((name) => blocks.put('m', name, bytes)));
      // What is being written may hold its folder, or not have made it yet.
      const refusals = ['NoModificationAllowedError', 'InvalidModificationError', 'NotFoundError'];
      await clear().catch((error: DOMException) => expect(error.name).to.be.oneOf(refusals));
      await writing;
      await clear();
      expect(await blocks.folders()).to.deep.equal([]);
      expect(await blocks.get('m', names[0])).to.equal(null);
    }
    await blocks.put('m', 'after', bytes);
    expect((await blocks.get('m', 'after'))?.size).to.equal(BLOCK);
    await blocks.deleteFolder('m');
  });

  it('is chosen: the private file system, or the cache where only that is offered', async () => {
    expect((await chooseBlocks({storage, caches})).kind).to.equal('opfs');
    expect((await chooseBlocks({caches})).kind).to.equal('cache');
  });

  for (const kind of ['opfs', 'cache'] as const) {
    describe(`a model in ${kind}`, () => {
      const file = Uint8Array.from({length: SIZE}, (_, i) => (i * 2654435761) >>> 13);
      const asked: string[] = [];
      let id: string;

      /** A server in the page. */
      const fetch: typeof globalThis.fetch = async (_, init) => {
        const range = new Headers(init?.headers).get('Range') ?? '';
        const [start, last] = (/^bytes=(\d+)-(\d+)$/.exec(range) ?? []).slice(1).map(Number);
        const end = Math.min(last + 1, SIZE);
        asked.push(`${start}-${end}`);
        const headers = {'Content-Range': `bytes ${start}-${end - 1}/${SIZE}`, ETag: '"v1"'};
        return new Response(file.slice(start, end), {status: 206, headers});
      };
      const blocksOf = async () =>
        kind === 'opfs' ? opfsBlocks(await rootOf('models'), storage) : cacheBlocks(caches, storage);
      const open = async (): Promise<ModelStore> =>
        createModelStore({
          blocks: await blocksOf(),
          storage,
          locks: locks as never,
          clock: new FakeClock(),
          fetch,
          blockBytes: BLOCK,
        });
      const load = async (integrity?: string): Promise<string> => {
        const source = await (await open()).open({url: URL_OF_MODEL, integrity});
        const bytes = new Uint8Array(SIZE);
        bytes.set(await source.read(0, 100));
        let at = 100;
        for await (const piece of source.stream(at, SIZE - at)) {
          bytes.set(piece, at);
          at += piece.length;
        }
        await source.verify();
        await source.settle();
        await source.close();
        return sha256Hex(bytes);
      };

      before(async () => {
        const store = await open();
        await store.removeAll();
        id = await store.idOf({url: URL_OF_MODEL});
      });
      beforeEach(() => {
        asked.length = 0;
      });

      it('is stored while it is read, hashed as a whole, and read again', async () => {
        const hash = await sha256Hex(file);
        expect(await load(`sha256-${hash}`)).to.equal(hash);
        const [model] = await (await open()).list();
        expect(model).to.include({id, url: URL_OF_MODEL, size: SIZE, storedBytes: SIZE, complete: true, sha256: hash});
        expect(model.lastUsed).to.equal(0); // it was not stored when it was opened
        asked.length = 0;
        expect(await load()).to.equal(hash);
        expect(asked).to.deep.equal(['0-1']);
        expect((await (await open()).list())[0].lastUsed).to.be.above(0);
      });

      it('is read on while the garbage collector runs', async () => {
        const {gc} = globalThis as {gc?: (options: {type: 'major'; execution: 'async'}) => Promise<void>};
        let over = false;
        const collecting = (async () => {
          while (!over) await gc!({type: 'major', execution: 'async'});
        })();
        try {
          const hash = await sha256Hex(file);
          for (let i = 0; i < 2; i++) expect(await load()).to.equal(hash);
        } finally {
          over = true;
          await collecting;
        }
      });

      it('has a damaged block fetched again, alone', async () => {
        const blocks = await blocksOf();
        await blocks.put(id, blockName(7), new Uint8Array(BLOCK));
        await blocks.delete(id, blockName(9));
        expect(await load()).to.equal(await sha256Hex(file));
        expect(asked).to.have.members(['0-1', `${7 * BLOCK}-${8 * BLOCK}`, `${9 * BLOCK}-${10 * BLOCK}`]);
      });

      it('begins anew where the manifest is damaged', async () => {
        await (await blocksOf()).put(id, MANIFEST_NAME, new TextEncoder().encode('{"version":'));
        expect(await load()).to.equal(await sha256Hex(file));
        expect(asked[0]).to.equal(`0-${BLOCK}`);
      });

      it('is read by two workers at once and written by one', async () => {
        await (await open()).removeAll();
        const hash = await sha256Hex(file);
        expect(await Promise.all([load(), load()])).to.deep.equal([hash, hash]);
        const bytes = asked
          .map((range) => range.split('-').map(Number))
          .reduce((sum, [from, to]) => sum + to - from, 0);
        expect(bytes, asked.join(' ')).to.be.at.most(SIZE + BLOCK);
      });

      it('reads on after everything was deleted', async () => {
        const source = await (await open()).open({url: URL_OF_MODEL});
        await source.read(SIZE - 10, 10);
        await source.settle();
        await (await blocksOf()).deleteFolder(id);
        expect(await source.read(3 * BLOCK + 5, 50)).to.deep.equal(file.slice(3 * BLOCK + 5, 3 * BLOCK + 55));
        await source.close();
      });

      it('is removed', async () => {
        const store = await open();
        await store.remove(id);
        expect(await store.list()).to.deep.equal([]);
        expect(await (await blocksOf()).folders()).not.to.include(id);
      });
    });
  }

  it('tells the space there is', async () => {
    const store = await createModelStore();
    const {usage, quota, free, persisted} = await store.estimate();
    expect([usage, quota, free, persisted].map((value) => typeof value)).to.deep.equal([
      'number',
      'number',
      'number',
      'boolean',
    ]);
    expect(free).to.equal((quota ?? 0) - (usage ?? 0));
  });
});
