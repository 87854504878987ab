import {createHash} from 'node:crypto';
import {expect} from 'chai';
import {openModel} from '../../../src/worker/open-model.ts';
import {FakeStore} from '../../helpers/fake-store.ts';
import {rejection} from '../store/rejection.ts';

const part = (no: number) => `https://a.example/m-0000${no}-of-00002.gguf`;
const bytes = {one: Uint8Array.of(1, 2, 3), two: Uint8Array.of(4, 5)};
const hash = (data: Uint8Array, encoding: 'hex' | 'base64') =>
  `sha256-${createHash('sha256').update(data).digest(encoding)}`;
const file = (data: Uint8Array, name: string) => ({blob: new Blob([data as BlobPart]), name});

describe('openModel', () => {
  const store = () =>
    new FakeStore({
      'https://a.example/m.gguf': {bytes: bytes.one, storedBytes: 3},
      [part(1)]: {bytes: bytes.one, storedBytes: 2},
      [part(2)]: {bytes: bytes.two},
    });

  it('opens one file of the store’s, with its hash', async () => {
    const from = store();
    const opened = await openModel({url: 'https://a.example/m.gguf', integrity: 'sha256-x'}, from);
    expect([opened.storage, opened.storedBytes, opened.source.size]).to.deep.equal(['opfs', 3, 3]);
    await opened.verify();
    await opened.settle();
    opened.source.close?.();
    expect(from.opened).to.deep.equal([
      {url: 'https://a.example/m.gguf', integrity: 'sha256-x', closed: true, verified: true, settled: true},
    ]);
  });

  it('opens all files of a split model, each with its own hash, and lets them count as one', async () => {
    const from = store();
    const told: [number, number][] = [];
    const opened = await openModel({url: part(1), integrity: ' sha256-a\n sha256-b '}, from, {
      onProgress: ({loadedBytes, totalBytes}) => told.push([loadedBytes, totalBytes]),
    });
    expect(await opened.source.read(0, 5)).to.deep.equal(Uint8Array.of(1, 2, 3, 4, 5));
    expect(from.opened.map(({integrity}) => integrity)).to.deep.equal(['sha256-a', 'sha256-b']);
    from.tell.get(part(2))!({phase: 'download', loadedBytes: 1, fetchedBytes: 1, totalBytes: 2});
    from.tell.get(part(1))!({phase: 'download', loadedBytes: 3, fetchedBytes: 1, totalBytes: 3});
    expect(told).to.deep.equal([
      [3, 5],
      [4, 5],
    ]);
    await opened.verify();
    expect(from.opened.every(({verified}) => verified)).to.equal(true);
  });

  it('closes what it opened where a later part is missing', async () => {
    const from = store();
    from.files.delete(part(2));
    expect(await rejection(openModel({url: part(1)}, from))).to.include({code: 'http-status'});
    expect(from.opened.map(({closed}) => closed)).to.deep.equal([true]);
  });

  it('refuses a hash too few', async () => {
    expect(await rejection(openModel({url: part(1), integrity: 'sha256-a'}, store()))).to.include({
      code: 'option-invalid',
    });
  });

  it('opens files of the visitor’s in order, without the store', async () => {
    const files = [file(bytes.two, 'm-00002-of-00002.gguf'), file(bytes.one, 'm-00001-of-00002.gguf')];
    const from = store();
    const opened = await openModel({files}, from);
    expect(await opened.source.read(0, 5)).to.deep.equal(Uint8Array.of(1, 2, 3, 4, 5));
    expect([opened.storage, from.opened.length]).to.deep.equal(['file', 0]);
  });

  for (const encoding of ['hex', 'base64'] as const) {
    it(`checks a visitor's file against a hash in ${encoding}`, async () => {
      const right = await openModel({files: [file(bytes.one, 'a')], integrity: hash(bytes.one, encoding)}, store());
      await right.verify();
      const wrong = await openModel({files: [file(bytes.two, 'a')], integrity: hash(bytes.one, encoding)}, store());
      expect(await rejection(wrong.verify())).to.include({code: 'integrity-mismatch'});
    });
  }
});
