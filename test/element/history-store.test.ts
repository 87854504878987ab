import {expect} from '@open-wc/testing';
import {openIdbStore} from '../../src/element/history/idb-store.ts';
import type {HistoryStore, StoredConversation} from '../../src/element/history/store.ts';
import {MemoryStore} from './memory-store.ts';

const record = (id: string, revision = 1, title = id): StoredConversation => ({
  id,
  title,
  named: false,
  created: 1,
  updated: Date.now(),
  messages: 1,
  revision,
  conversation: {turns: [{id: 1, parent: null, message: {role: 'user', content: title}}], head: 1},
});

let databases = 0;
const options = () => ({
  name: `history-test-${databases++}`,
  sessionPrefix: 'session:',
  sessionLock: (session: string) => `lock-${session}`,
});

/** What every store does, ours and a page's. */
for (const [name, open] of [
  ['IndexedDB', () => openIdbStore(options())],
  ['memory', async () => new MemoryStore()],
] as const) {
  describe(`a history store in ${name}`, () => {
    let store: HistoryStore;
    beforeEach(async () => {
      store = await open();
    });
    const titles = async (scope: string) => (await store.list(scope)).map(({title}) => title).sort();

    it('gives back what it was given', async () => {
      const given = record('a');
      expect(await store.write('origin', given)).to.equal(true);
      expect(await store.read('origin', 'a')).to.deep.include(given);
      expect(await store.read('origin', 'b')).to.equal(null);
    });

    it('keeps scopes apart, however they are named', async () => {
      const scopes = ['origin', 'origin2', 'key:', 'key:a', 'path:/', 'path:/a', 'session:x:origin'];
      for (const scope of scopes) await store.write(scope, record('same', 1, scope));
      for (const scope of scopes) expect(await titles(scope), scope).to.deep.equal([scope]);
      await store.remove('key:', 'same');
      expect(await titles('key:')).to.deep.equal([]);
      expect(await titles('key:a')).to.deep.equal(['key:a']);
    });

    it('refuses a write that is not the next, and changes nothing', async () => {
      await store.write('origin', record('a', 1, 'first'));
      expect(await store.write('origin', record('a', 2, 'second'))).to.equal(true);
      expect(await store.write('origin', record('a', 2, 'lost'))).to.equal(false);
      expect((await store.read('origin', 'a'))!.title).to.equal('second');
      expect(await titles('origin')).to.deep.equal(['second']);
    });

    it('takes one of two writes at the same time', async () => {
      await store.write('origin', record('a', 1));
      const both = await Promise.all([
        store.write('origin', record('a', 2, 'x')),
        store.write('origin', record('a', 2, 'y')),
      ]);
      expect(both).to.deep.equal([true, false]);
    });
  });
}

describe('the history store in IndexedDB', () => {
  it('tells other tabs of changes in their scope', async () => {
    const shared = options();
    const [mine, theirs] = [await openIdbStore(shared), await openIdbStore(shared)];
    const heard = new Promise<void>((resolve) => theirs.watch!('origin', resolve));
    let elsewhere = 0;
    theirs.watch!('key:other', () => elsewhere++);
    await mine.write('origin', record('a'));
    await heard;
    expect(elsewhere).to.equal(0);
  });

  it('drops what tabs left that are gone for a day, and nothing else', async () => {
    const shared = options();
    const store = await openIdbStore(shared);
    const old = {...record('old'), updated: Date.now() - 25 * 60 * 60 * 1000};
    const scopes = ['session:gone:origin', 'session:alive:origin', 'origin'];
    for (const scope of scopes) await store.write(scope, old);
    await store.write('session:lately:origin', record('new'));
    store.close();
    let release = () => {};
    await new Promise<void>((held) => {
      navigator.locks.request('lock-alive', () => {
        held();
        return new Promise<void>((end) => {
          release = end;
        });
      });
    });
    const again = await openIdbStore(shared);
    const counts = await Promise.all(
      [...scopes, 'session:lately:origin'].map(async (s) => (await again.list(s)).length),
    );
    release();
    expect(counts).to.deep.equal([0, 1, 1, 1]);
  });

  it('goes on after its database was deleted, or closed for a newer version', async () => {
    const shared = options();
    const store = await openIdbStore(shared);
    await store.write('origin', record('a'));
    await new Promise((resolve, reject) => {
      const deletion = indexedDB.deleteDatabase(shared.name);
      deletion.onsuccess = resolve;
      deletion.onerror = reject;
    });
    expect(await store.list('origin')).to.deep.equal([]);
    expect(await store.write('origin', record('b'))).to.equal(true);
    expect((await store.list('origin')).map(({title}) => title)).to.deep.equal(['b']);
  });

  it('tells of many changes in one', async () => {
    const shared = options();
    const [mine, theirs] = [await openIdbStore(shared), await openIdbStore(shared)];
    let heard = 0;
    theirs.watch!('origin', () => heard++);
    for (let n = 0; n < 100; n++) await mine.write('origin', record(`c${n}`));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(heard).to.be.within(1, 10);
    expect(await theirs.list('origin')).to.have.lengthOf(100);
  });
});
