// What every BlockStore promises, as a suite that each back end's test runs, in Node or in a browser.
import {expect} from 'chai';
import type {BlockStore} from '../../src/store/blocks/block-store.ts';

export interface ContractOptions {
  /** Deletes a folder behind the store's back, where that can be done. */
  readonly clear?: (folder: string) => Promise<void>;
}

export function describeBlockStore(
  title: string,
  open: () => Promise<BlockStore>,
  options: ContractOptions = {},
): void {
  describe(`${title} as a BlockStore`, () => {
    let store: BlockStore;
    let folder: string;
    beforeEach(async () => {
      store = await open();
      folder = `test-${crypto.randomUUID()}`;
    });
    afterEach(() => store.deleteFolder(folder));

    const read = async (name: string): Promise<number[] | null> => {
      const blob = await store.get(folder, name);
      return blob && [...new Uint8Array(await blob.arrayBuffer())];
    };

    it('gives back what was put in, whole and in slices', async () => {
      const bytes = Uint8Array.from({length: 100_000}, (_, i) => i * 7);
      await store.put(folder, 'a', bytes);
      const blob = await store.get(folder, 'a');
      expect(blob?.size).to.equal(bytes.length);
      const slice = new Uint8Array((await blob?.slice(99_000, 99_010).arrayBuffer()) ?? new ArrayBuffer(0));
      expect([...slice]).to.deep.equal([...bytes.subarray(99_000, 99_010)]);
      expect(await read('a')).to.deep.equal([...bytes]);
    });

    it('writes only the part that a view shows', async () => {
      await store.put(folder, 'a', Uint8Array.of(9, 1, 2, 3, 9).subarray(1, 4));
      expect(await read('a')).to.deep.equal([1, 2, 3]);
    });

    it('replaces a file by a shorter one', async () => {
      await store.put(folder, 'a', Uint8Array.of(1, 2, 3));
      await store.put(folder, 'a', Uint8Array.of(4));
      expect(await read('a')).to.deep.equal([4]);
    });

    it('has nothing under a name that was never written, and makes no folder by asking', async () => {
      expect(await read('a')).to.equal(null);
      expect(await store.folders()).not.to.include(folder);
      await store.put(folder, 'a', Uint8Array.of(1));
      expect(await read('b')).to.equal(null);
    });

    it('keeps folders apart and names those that exist', async () => {
      const other = `${folder}-other`;
      await store.put(folder, 'a', Uint8Array.of(1));
      await store.put(other, 'a', Uint8Array.of(2));
      expect(await store.folders()).to.include.members([folder, other]);
      await store.deleteFolder(other);
      expect(await store.folders())
        .to.include(folder)
        .and.not.include(other);
      expect(await read('a')).to.deep.equal([1]);
    });

    it('deletes files and folders, also those that are not there', async () => {
      await store.put(folder, 'a', Uint8Array.of(1));
      await store.put(folder, 'b', Uint8Array.of(2));
      await store.delete(folder, 'a');
      await store.delete(folder, 'a');
      expect([await read('a'), await read('b')]).to.deep.equal([null, [2]]);
      await store.deleteFolder(folder);
      await store.deleteFolder(folder);
      await store.delete(folder, 'b');
      expect(await read('b')).to.equal(null);
      await store.put(folder, 'b', Uint8Array.of(3));
      expect(await read('b')).to.deep.equal([3]);
    });

    it('writes several files at once', async () => {
      const names = ['a', 'b', 'c', 'd'];
      await Promise.all(names.map((name, i) => store.put(folder, name, new Uint8Array(50_000).fill(i))));
      for (const [i, name] of names.entries()) expect((await read(name))?.at(-1)).to.equal(i);
    });

    const {clear} = options;
    if (clear) {
      it('writes and reads on after its folder was cleared behind its back', async () => {
        await store.put(folder, 'a', Uint8Array.of(1));
        await clear(folder);
        expect(await read('a')).to.equal(null);
        await store.put(folder, 'a', Uint8Array.of(2));
        await clear(folder);
        await store.put(folder, 'a', Uint8Array.of(3));
        expect(await read('a')).to.deep.equal([3]);
      });
    }
  });
}
