import {createHash} from 'node:crypto';
import {expect} from 'chai';
import type {CrossOriginStorage} from '../../../src/store/sources/cross-origin-storage.ts';
import {openModel} from '../../../src/worker/open-model.ts';
import {FakeStore} from '../../helpers/fake-store.ts';
import {rejection} from '../store/rejection.ts';

const URL_OF = 'https://a.example/m.gguf';
const bytes = Uint8Array.from({length: 1000}, (_, i) => i % 251);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const integrity = `sha256-${sha256}`;

/** A browser's shared storage: files by hash. */
class FakeShared implements CrossOriginStorage {
  readonly files = new Map<string, Uint8Array>();
  readonly asked: unknown[] = [];
  refuses = false;

  async getFileHandle(hash: {algorithm: string; value: string}, options?: {create?: boolean}) {
    this.asked.push([hash.algorithm, hash.value, options]);
    if (this.refuses) throw new DOMException('blocked', 'NotAllowedError');
    const {files} = this;
    if (!files.has(hash.value) && !options?.create) throw new DOMException('not there', 'NotFoundError');
    const pieces: Uint8Array[] = [];
    return {
      getFile: async () => new Blob([files.get(hash.value) as BlobPart]),
      createWritable: async () => ({
        write: async (piece: Uint8Array) => void pieces.push(piece.slice()),
        close: async () => void files.set(hash.value, new Uint8Array(Buffer.concat(pieces))),
      }),
    };
  }
}

describe('files that sites share by their hash', () => {
  const storeWith = (storedBytes: number) => new FakeStore({[URL_OF]: {bytes, storedBytes}});
  const read = async (opened: Awaited<ReturnType<typeof openModel>>) => opened.source.read(0, bytes.length);

  it('are read where the hash is known and the file is not stored, and checked', async () => {
    const shared = new FakeShared();
    shared.files.set(sha256, bytes);
    const store = storeWith(0);
    const opened = await openModel({url: URL_OF, integrity}, store, {shared});
    expect(await read(opened)).to.deep.equal(bytes);
    expect([opened.storedBytes, store.opened[0].closed]).to.deep.equal([bytes.length, true]);
    await opened.verify();
    const damaged = bytes.slice();
    damaged[7] ^= 1;
    shared.files.set(sha256, damaged);
    const other = await openModel({url: URL_OF, integrity}, storeWith(0), {shared});
    expect(await rejection(other.verify())).to.include({code: 'integrity-mismatch'});
  });

  it('stand in where the server is away', async () => {
    const shared = new FakeShared();
    shared.files.set(sha256, bytes);
    const opened = await openModel({url: URL_OF, integrity}, new FakeStore({}), {shared});
    expect(await read(opened)).to.deep.equal(bytes);
    shared.files.clear();
    expect(await rejection(openModel({url: URL_OF, integrity}, new FakeStore({}), {shared}))).to.include({
      code: 'http-status',
    });
  });

  it('are not asked for without a hash, nor where all is stored', async () => {
    const shared = new FakeShared();
    await openModel({url: URL_OF}, storeWith(0), {shared});
    await openModel({url: URL_OF, integrity}, storeWith(bytes.length), {shared});
    expect(shared.asked).to.deep.equal([]);
  });

  it('are not taken where the size is another', async () => {
    const shared = new FakeShared();
    shared.files.set(sha256, bytes.slice(1));
    expect(await read(await openModel({url: URL_OF, integrity}, storeWith(0), {shared}))).to.deep.equal(bytes);
  });

  it('are offered once the file was verified, for every site, and not twice', async () => {
    const shared = new FakeShared();
    const opened = await openModel({url: URL_OF, integrity}, storeWith(bytes.length), {shared});
    await opened.verify();
    await opened.settle();
    while (!shared.files.has(sha256)) await new Promise((resolve) => setTimeout(resolve));
    expect(shared.files.get(sha256)).to.deep.equal(bytes);
    expect(shared.asked).to.deep.include(['SHA-256', sha256, {create: true, origins: '*'}]);
    const asked = shared.asked.length;
    await (await openModel({url: URL_OF, integrity}, storeWith(bytes.length), {shared})).settle();
    while (shared.asked.length === asked) await new Promise((resolve) => setTimeout(resolve));
    expect(shared.asked.slice(asked)).to.deep.equal([['SHA-256', sha256, undefined]]);
  });

  it('are no matter where the browser refuses, or has none', async () => {
    const shared = new FakeShared();
    shared.refuses = true;
    const opened = await openModel({url: URL_OF, integrity}, storeWith(5), {shared});
    expect(await read(opened)).to.deep.equal(bytes);
    await opened.settle();
    const without = await openModel({url: URL_OF, integrity}, storeWith(5), {shared: {}});
    expect(await read(without)).to.deep.equal(bytes);
  });
});
