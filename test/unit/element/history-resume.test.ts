import {expect} from 'chai';
import type {ChatController} from '../../../src/element/chat/chat-controller.ts';
import {Conversation} from '../../../src/element/chat/conversation.ts';
import {History, type HistorySettings} from '../../../src/element/history/history.ts';
import {MemoryStore} from '../../element/memory-store.ts';

/** What the history touches of a chat. */
class FakeChat {
  conversation = new Conversation();
  park(): void {}
  replace(conversation: Conversation): void {
    this.conversation = conversation;
  }
}

describe('a history whose element leaves the document and comes back', () => {
  let store: MemoryStore;
  let chat: FakeChat;
  let settings: HistorySettings;
  let history: History;

  beforeEach(async () => {
    store = new MemoryStore();
    chat = new FakeChat();
    settings = {kind: 'local', key: 'a', store};
    history = new History({settings: () => settings, changed() {}}, chat as unknown as ChatController);
    await history.start();
    await say('One');
  });

  async function say(content: string): Promise<void> {
    chat.conversation.append({role: 'user', content});
    history.note();
    await history.written;
  }
  const kept = () =>
    [...store.records].map(([key, {conversation}]) => [
      key.split('/')[0],
      conversation.turns.map((turn) => turn.message.content),
    ]);

  it('goes on with the same record when it is moved', async () => {
    await history.start();
    await say('Two');
    expect(kept()).to.deep.equal([['key:a', ['One', 'Two']]]);
  });

  it('and when it was away', async () => {
    history.stop();
    await history.start();
    await say('Two');
    expect(kept()).to.deep.equal([['key:a', ['One', 'Two']]]);
  });

  it('keeps a copy under another key', async () => {
    settings = {...settings, key: 'b'};
    await history.start();
    await say('Two');
    expect(kept()).to.deep.equal([
      ['key:a', ['One']],
      ['key:b', ['One', 'Two']],
    ]);
  });

  it('writes nothing once it is turned off', async () => {
    settings = {...settings, kind: 'none'};
    await history.start();
    await say('Two');
    expect(kept()).to.deep.equal([['key:a', ['One']]]);
    expect(history.on).to.equal(false);
  });

  it('works again after a store that failed for a while', async () => {
    const {write} = store;
    store.write = () => Promise.reject(new Error('full'));
    await say('Two');
    expect(history.failed).to.equal(true);
    store.write = write;
    await say('Three');
    expect(history.failed).to.equal(false);
    expect(kept()).to.deep.equal([['key:a', ['One', 'Two', 'Three']]]);
  });
});
