// The model store over a disk that fails, loses and damages what it was given, and what can be told and removed of it.
import {expect} from 'chai';
import {cacheBlocks} from '../../../src/store/blocks/cache-blocks.ts';
import {memoryBlocks} from '../../../src/store/blocks/memory-blocks.ts';
import {opfsBlocks} from '../../../src/store/blocks/opfs-blocks.ts';
import {createModelStore} from '../../../src/store/create-model-store.ts';
import {blockName} from '../../../src/store/folder/manifest.ts';
import type {ModelSource} from '../../../src/store/model-store.ts';
import {FakeFileSystem, fakeCaches} from '../../helpers/store-fakes.ts';
import {serveRanges} from './local-server.ts';
import {rejection} from './rejection.ts';
import {BLOCK, hashOf, noiseFile, Rig, SIZE} from './rig.ts';

describe('the model store', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = new Rig();
    await rig.start();
  });
  afterEach(async () => {
    await rig.stop();
    expect(rig.twice, 'blocks asked for although they were stored').to.deep.equal([]);
    expect(rig.locks.held.size, 'locks that no one let go of').to.equal(0);
  });

  const open = async (options: {integrity?: string} = {}) => (await rig.store()).open({url: rig.url, ...options});
  /** The model's folder as it lies on the disk. */
  const folder = () => [...rig.disk.folders.values()][0];

  describe('loading again', () => {
    beforeEach(async () => {
      await rig.loadWhole();
      rig.ranges.length = 0;
    });

    it('asks the server for one byte, and for none where it knows the hash', async () => {
      await rig.loadWhole();
      expect(rig.ranges).to.deep.equal([[0, 1]]);
      expect([...rig.phases]).to.deep.equal(['read']);
      const integrity = `sha256-${hashOf(rig.file)}`;
      await rig.loadWhole({integrity});
      await rig.loadWhole({integrity});
      expect(rig.ranges).to.deep.equal([
        [0, 1],
        [0, 1],
      ]);
    });

    it('needs no server', async () => {
      await rig.stop();
      expect(await rig.load()).to.equal(hashOf(rig.file));
      const seen = await (await rig.store()).inspect({url: rig.url});
      expect(seen).to.include({online: false, size: SIZE, storedBytes: SIZE});
      expect(seen.head).to.deep.equal(rig.file.slice(0, BLOCK));
      await rig.start();
    });

    for (const [title, damage] of [
      ['a flipped bit', (bytes: Uint8Array) => Uint8Array.from(bytes, (byte, i) => (i === 100 ? byte ^ 1 : byte))],
      ['a lost end', (bytes: Uint8Array) => bytes.slice(0, 100)],
      ['nothing in it', () => new Uint8Array(0)],
      ['no file', () => null],
    ] as const) {
      it(`fetches a block with ${title} again, and no other`, async () => {
        const name = blockName(20);
        const damaged = damage(folder().get(name) as Uint8Array<ArrayBuffer>);
        if (damaged) folder().set(name, damaged);
        else folder().delete(name);
        expect(await rig.load()).to.equal(hashOf(rig.file));
        expect(rig.ranges).to.deep.equal([
          [0, 1],
          [20 * BLOCK, 21 * BLOCK],
        ]);
        expect(hashOf(folder().get(name) as Uint8Array)).to.equal(hashOf(rig.file.subarray(20 * BLOCK, 21 * BLOCK)));
      });
    }

    it('fetches nothing where a block cannot be read at first', async () => {
      for (const index of [0, 20, 46]) rig.disk.unreadable.add(blockName(index));
      expect(await rig.load()).to.equal(hashOf(rig.file));
      expect([...rig.disk.unreadable]).to.deep.equal([]);
      expect(rig.ranges).to.deep.equal([[0, 1]]);
    });

    for (const [title, text] of [
      ['cut off', '{"version":2,"url":"'],
      ['of another version', '{"version":1}'],
      ['that promises what is not possible', '{"version":2,"url":"","size":1e300,"blockBytes":0,"hashes":[]}'],
    ]) {
      it(`begins anew with a manifest ${title}`, async () => {
        folder().set('manifest.json', new TextEncoder().encode(text));
        await rig.loadWhole();
      });
    }
  });

  describe('with a model in use', () => {
    let source: ModelSource;
    beforeEach(async () => {
      source = await open();
      for await (const _ of source.stream(0, SIZE));
      await source.settle();
      rig.ranges.length = 0;
    });
    afterEach(() => source.close());

    it('reads rows from the disk', async () => {
      expect(await source.read(30 * BLOCK - 5, 10)).to.deep.equal(rig.file.slice(30 * BLOCK - 5, 30 * BLOCK + 5));
      expect(rig.ranges).to.deep.equal([]);
    });

    it('reads on when its files are deleted, from the server, and stores again what it read', async () => {
      rig.disk.folders.clear();
      for (let i = 0; i < 2; i++) {
        expect(await source.read(30 * BLOCK + 7, 10)).to.deep.equal(rig.file.slice(30 * BLOCK + 7, 30 * BLOCK + 17));
      }
      expect(rig.ranges).to.deep.equal([[30 * BLOCK, 31 * BLOCK]]);
      expect(rig.storedBlocks()).to.deep.equal([30]);
    });

    it('says network when they are deleted and the server is gone', async () => {
      rig.disk.folders.clear();
      await rig.stop();
      expect(await rejection(source.read(5 * BLOCK, 10))).to.include({code: 'network'});
      await rig.start();
    });

    it('lets another worker load it meanwhile', async () => {
      await rig.loadWhole();
      expect(rig.phases).not.to.include('waiting');
    });
  });

  it('fetches of a header what is read, and of the rest the blocks that are wanted', async () => {
    const source = await open();
    await source.read(0, 1000);
    expect(rig.ranges).to.deep.equal([[0, 65536]]);
    await source.read(65536, 100_000);
    expect(rig.ranges.at(-1)).to.deep.equal([65536, 165_536]);
    // Two runs of weights with a tower between them: whole blocks, so that each has a hash of its own.
    for await (const _ of source.stream(15 * BLOCK + 9, BLOCK));
    for await (const _ of source.stream(40 * BLOCK, 10));
    await source.settle();
    await source.close();
    const asked = rig.ranges.slice(2).sort(([a], [b]) => a - b);
    // The block that the header ended in is not wanted any more, and is not completed.
    expect(asked).to.deep.equal([
      [15 * BLOCK, 17 * BLOCK],
      [40 * BLOCK, 41 * BLOCK],
    ]);
    expect(rig.storedBlocks()).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 40]);
  });

  it('keeps whole blocks when it is paused, and goes on with the rest', async () => {
    const pause = new AbortController();
    const onPiece = (received: number) => {
      if (received > SIZE / 2) pause.abort();
    };
    expect(await rejection(rig.load({signal: pause.signal, onPiece}))).to.include({name: 'AbortError'});
    const before = rig.storedBlocks().length;
    expect(before).to.be.above(20);
    const [model] = await (await rig.store()).list();
    expect(model).to.include({complete: before === 47, size: SIZE});
    await rig.loadWhole();
  });

  it('stores nothing where it is told so', async () => {
    expect(await rig.load({keep: false})).to.equal(hashOf(rig.file));
    expect(rig.disk.folders.size).to.equal(0);
  });

  it('takes back what it stored of a file that is of no use', async () => {
    const source = await open();
    await source.read(0, 5 * BLOCK);
    await source.discard();
    expect(rig.disk.folders.size).to.equal(0);
    expect(await rejection(source.read(0, 1))).to.include({code: 'closed'});
  });

  describe('on a full disk', () => {
    it('refuses what will not fit before it is fetched, and names what could go', async () => {
      rig.disk.quota = SIZE - 1;
      const error = await rejection(open());
      expect(error).to.deep.include({code: 'storage-full', detail: {needed: SIZE, free: SIZE - 1}});
    });

    it('says so in mid-write, with numbers, keeps what is stored and goes on when there is room', async () => {
      rig.disk.failAt = 100;
      rig.disk.quota = 2 * SIZE;
      const error = await rejection(rig.load());
      expect(error).to.include({code: 'storage-full'});
      const {needed, free} = (error as {detail: {needed: number; free: number}}).detail;
      const stored = rig.storedBlocks().length;
      // Another block and the manifest may still have been written meanwhile.
      expect(needed - (SIZE - stored * BLOCK)).to.be.within(0, 2 * BLOCK);
      expect(free - (2 * SIZE - rig.disk.usage)).to.be.within(0, 2 * BLOCK + 10_000);
      expect(stored).to.be.within(1, 46);
      rig.disk.restart();
      await rig.loadWhole();
    });
  });

  it('survives a crash before every single step on the disk', async () => {
    rig.allowStored = false;
    for (let step = 1, crashed = true; crashed; step += 7) {
      rig.disk.folders.clear();
      Object.assign(rig.disk, {fault: 'crash', failAt: rig.disk.steps + step});
      const result = await rig.load().catch((error) => error);
      crashed = typeof result !== 'string';
      if (crashed) expect(result).to.include({code: 'storage-failed'});
      rig.disk.restart();
      await rig.loadWhole();
    }
  });

  describe('with a hash of the whole', () => {
    const integrityOf = (bytes: Uint8Array) => `sha256-${hashOf(bytes)}`;

    it('checks it while the weights pass by, and remembers', async () => {
      await rig.loadWhole({integrity: integrityOf(rig.file)});
      expect((await (await rig.store()).list())[0].sha256).to.equal(hashOf(rig.file));
      expect(rig.phases).not.to.include('read');
    });

    it('fetches for it what no one wanted, and says that it verifies', async () => {
      const source = await (await rig.store()).open(
        {url: rig.url, integrity: integrityOf(rig.file)},
        {onProgress: (progress) => rig.progress.push(progress)},
      );
      for await (const _ of source.stream(5 * BLOCK, BLOCK));
      await source.verify();
      await source.close();
      expect(rig.phases).to.include('verify');
      expect(rig.storedBlocks().length).to.equal(47);
    });

    it('drops a file with one wrong byte, and takes the right one the next time', async () => {
      const wrong = rig.file.slice();
      wrong[20 * BLOCK]++;
      rig.serve(serveRanges(wrong));
      const error = await rejection(rig.load({integrity: integrityOf(rig.file)}));
      expect(error).to.deep.include({
        code: 'integrity-mismatch',
        detail: {found: hashOf(wrong), expected: hashOf(rig.file)},
      });
      expect(rig.disk.folders.size).to.equal(0);
      rig.serve(serveRanges(rig.file));
      await rig.loadWhole({integrity: integrityOf(rig.file)});
    });

    it('checks a file that was stored without one', async () => {
      await rig.loadWhole();
      await rig.loadWhole({integrity: integrityOf(rig.file)});
      rig.allowStored = true; // the file that is stored is another
      const error = await rejection(rig.load({integrity: integrityOf(noiseFile(9))}));
      expect(error).to.include({code: 'integrity-mismatch'});
    });

    it('takes the hash from Hugging Face’s header, and compares it before anything is fetched', async () => {
      rig.serve(serveRanges(rig.file, {'X-Linked-ETag': `"${hashOf(rig.file)}"`}));
      await rig.loadWhole();
      expect((await (await rig.store()).list())[0].sha256).to.equal(hashOf(rig.file));
      await (await rig.store()).removeAll();
      rig.ranges.length = 0;
      const error = await rejection(rig.load({integrity: integrityOf(noiseFile(9))}));
      expect(error).to.include({code: 'integrity-mismatch'});
      expect(rig.ranges).to.deep.equal([[0, 65536]]);
    });

    it('finds the same file under another address', async () => {
      await rig.loadWhole({integrity: integrityOf(rig.file)});
      rig.ranges.length = 0;
      const store = await rig.store();
      const address = {url: `${rig.url}?mirror`, integrity: integrityOf(rig.file)};
      const source = await store.open(address);
      expect(await source.read(9 * BLOCK, 5)).to.deep.equal(rig.file.slice(9 * BLOCK, 9 * BLOCK + 5));
      await source.close();
      expect(rig.ranges).to.deep.equal([]);
      expect(await store.idOf(address)).to.equal((await store.list())[0].id);
    });
  });

  it('writes a model once where two workers start at once; the second waits and reads', async () => {
    rig.allowHead = true;
    const loads = await Promise.all([rig.load(), rig.load()]);
    expect(loads).to.deep.equal([hashOf(rig.file), hashOf(rig.file)]);
    const asked = rig.ranges.reduce((sum, [start, end]) => sum + end - start, 0);
    // Both ask which file it is; the rest is fetched once.
    expect(asked).to.equal(SIZE + 65536);
    expect(rig.phases).to.include('waiting');
  });

  it('lets the second worker go on where the first is stopped', async () => {
    rig.allowHead = true;
    const stop = new AbortController();
    const first = rejection(rig.load({signal: stop.signal, onPiece: (n) => n > SIZE / 4 && stop.abort()}));
    const second = rig.load();
    expect(await first).to.include({name: 'AbortError'});
    expect(await second).to.equal(hashOf(rig.file));
  });

  describe('managed', () => {
    it('lists models, the last used first, and removes one or all', async () => {
      const store = await rig.store();
      const ids: string[] = [];
      for (const name of ['a', 'b', 'c']) {
        rig.clock.time += 1000;
        const address = {url: `${rig.url}?${name}`};
        const source = await store.open(address);
        for await (const _ of source.stream(0, name === 'b' ? BLOCK : SIZE));
        await source.settle();
        await source.close();
        rig.allowStored = true; // of other models
        // Used again when it is opened again.
        await (await store.open(address)).close();
        ids.push(await store.idOf(address));
      }
      rig.clock.time += 1000;
      await (await store.open({url: `${rig.url}?a`})).close();
      const list = await store.list();
      expect(list.map(({id}) => id)).to.deep.equal([ids[0], ids[2], ids[1]]);
      expect(list.map(({complete}) => complete)).to.deep.equal([true, true, false]);
      expect(list[2].storedBytes).to.equal(4 * BLOCK);
      expect(list[0]).to.include({url: `${rig.url}?a`, lastUsed: rig.clock.time, storedBytes: SIZE, size: SIZE});

      rig.disk.quota = rig.disk.usage + 1000;
      expect(await store.estimate()).to.deep.include({free: 1000, quota: rig.disk.quota, persisted: false});
      const names = async (bytes: number, except: string[] = []) =>
        (await store.suggestRemoval(bytes, except)).map(({id}) => ids.indexOf(id));
      expect(await names(1000)).to.deep.equal([]);
      expect(await names(1001)).to.deep.equal([1]);
      expect(await names(1001, [ids[1]])).to.deep.equal([2]);
      expect(await names(10 * SIZE)).to.deep.equal([1, 2, 0]);

      await store.remove(ids[2]);
      await store.remove(ids[2]);
      expect((await store.list()).map(({id}) => id)).to.deep.equal([ids[0], ids[1]]);
      await store.removeAll();
      expect(await store.list()).to.deep.equal([]);
      expect(rig.disk.folders.size).to.equal(0);
    });

    it('does not remove what is being written', async () => {
      const store = await rig.store();
      const source = await store.open({url: rig.url});
      await source.read(0, 100_000);
      const id = await rig.id();
      expect(await rejection(store.remove(id))).to.include({code: 'model-in-use'});
      await source.close();
      await store.remove(id);
      expect(await store.list()).to.deep.equal([]);
    });

    it('asks for storage that stays, and says what it was told', async () => {
      for (const answer of [true, false]) {
        const storage = {persist: async () => answer, persisted: async () => answer};
        const store = await createModelStore({blocks: memoryBlocks(), storage});
        expect(await store.persist()).to.equal(answer);
        expect((await store.estimate()).persisted).to.equal(answer);
      }
      expect(await (await createModelStore({})).persist()).to.equal(false);
    });
  });

  describe('where the private file system cannot be written', () => {
    it('stores in the cache', async () => {
      const caches = fakeCaches();
      const {clock, locks} = rig;
      const store = await createModelStore({blocks: cacheBlocks(caches), clock, locks, blockBytes: BLOCK});
      expect(await rig.load({store})).to.equal(hashOf(rig.file));
      rig.ranges.length = 0;
      expect(await rig.load({store})).to.equal(hashOf(rig.file));
      expect(rig.ranges).to.deep.equal([[0, 1]]);
      expect((await store.list())[0]).to.include({complete: true});
      await store.removeAll();
      expect(await caches.keys()).to.deep.equal([]);
    });

    it('lets the bytes pass through a few blocks of memory, and says that nothing is stored', async () => {
      const capacity = 8 * BLOCK;
      const {clock} = rig;
      const store = await createModelStore({blocks: memoryBlocks(capacity), clock, blockBytes: BLOCK});
      let furthest = 0;
      const ahead = (received: number) => {
        const asked = Math.max(...rig.ranges.map(([, end]) => end));
        furthest = Math.max(furthest, asked - received);
      };
      expect(await rig.load({store, onPiece: ahead})).to.equal(hashOf(rig.file));
      expect(furthest).to.be.below(capacity);
      expect([store.storage, await store.list()]).to.deep.equal(['memory', []]);
      const asked = rig.ranges.reduce((sum, [start, end]) => sum + end - start, 0);
      expect(asked).to.equal(SIZE);
    });

    it('reads rows from the server, and no more than the rows', async () => {
      const store = await createModelStore({blocks: memoryBlocks(8 * BLOCK), clock: rig.clock, blockBytes: BLOCK});
      const source = await store.open({url: rig.url});
      for await (const _ of source.stream(0, SIZE));
      await source.settle();
      rig.ranges.length = 0;
      expect(await source.read(BLOCK + 5, 50)).to.deep.equal(rig.file.slice(BLOCK + 5, BLOCK + 55));
      expect(rig.ranges).to.deep.equal([[BLOCK + 5, BLOCK + 55]]);
      await source.close();
    });
  });

  it('holds transfers back where the disk is slow', async () => {
    const disk = new FakeFileSystem();
    const blocks = opfsBlocks(disk.root);
    let writing = 0;
    let most = 0;
    const slow = {
      ...blocks,
      async put(folder: string, name: string, bytes: Uint8Array<ArrayBuffer>) {
        most = Math.max(most, ++writing);
        rig.clock.time += 100;
        await new Promise((resolve) => setTimeout(resolve, 1));
        await blocks.put(folder, name, bytes);
        writing--;
      },
    };
    const store = await createModelStore({blocks: slow, clock: rig.clock, blockBytes: BLOCK});
    expect(await rig.load({store})).to.equal(hashOf(rig.file));
    // Two blocks and a manifest.
    expect(most).to.equal(3);
    // What is asked for, a browser may hold in memory.
    for (const [start, end] of rig.ranges) expect(end - start).to.be.at.most(4 * BLOCK);
  });
});
