import {expect, fixture, html} from '@open-wc/testing';
import {sendKeys} from '@web/test-runner-commands';
import type {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import type {HistoryStore, StoredConversation} from '../../src/element/history/store.ts';
import {historyPanel} from '../../src/element/late.ts';
import {FakeClient} from './fake-client.ts';
import {Harness} from './harness.ts';
import {MemoryStore} from './memory-store.ts';

type Chat = Harness & {client: FakeClient};

describe('<gemma-chat history>', () => {
  before(() => historyPanel.load());
  let store: MemoryStore;
  beforeEach(() => {
    store = new MemoryStore();
    sessionStorage.clear();
  });

  async function open(
    historyStore: HistoryStore | null = store,
    kind = 'local',
    key: string | null = null,
  ): Promise<Chat> {
    const client = new FakeClient();
    const el = await fixture<GemmaChatElement>(html`
      <gemma-chat .client=${client.asClient()} history=${kind} .historyKey=${key} .historyStore=${historyStore}></gemma-chat>
    `);
    const chat = Object.assign(new Harness(el), {client});
    await chat.settle();
    return chat;
  }

  async function talk(chat: Chat, question: string, answer: string): Promise<void> {
    await chat.ask(question);
    chat.client.lastAnswer.text(answer).end();
    await chat.settle();
    await chat.el.historyWritten;
    await chat.settle();
  }

  const titles = (chat: Chat) => chat.parts('history-title').map((title) => title.textContent);

  it('is accessible with its list open, asking, empty and failed', async () => {
    const chat = await open();
    await chat.click('Conversations');
    await expect(chat.el).to.be.accessible();
    await chat.click('Back to the chat');
    await talk(chat, 'Hello', 'Hi.');
    await chat.click('Conversations');
    await expect(chat.el).to.be.accessible();
    for (const name of ['Rename “Hello”', 'Export “Hello”', 'Delete “Hello”']) {
      await chat.click(name);
      await expect(chat.el).to.be.accessible();
      await chat.click('Cancel');
    }
    const broken = await open({list: () => Promise.reject(new Error('no'))} as unknown as HistoryStore);
    await broken.click('Conversations');
    expect(broken.part('history-note')!.textContent).to.include('cannot be kept');
    await expect(broken.el).to.be.accessible();
  });

  it('finds conversations by words of their titles and messages', async () => {
    const chat = await open();
    await talk(chat, 'About bread', 'Flour and **water**.');
    chat.el.newConversation();
    await talk(chat, 'About soup', 'Water, and Leeks.');
    await chat.click('Conversations');
    await chat.until(() => titles(chat).length === 2);
    const field = () => chat.part<HTMLInputElement & HTMLElement>('history-search')!;
    const search = async (words: string) => {
      field().value = words;
      field().dispatchEvent(new InputEvent('input', {bubbles: true}));
      for (let turn = 0; turn < 3; turn++) await chat.settle();
    };
    for (const [words, found] of [
      ['water', ['About soup', 'About bread']],
      ['leeks  WATER', ['About soup']],
      ['bread', ['About bread']],
      ['*<(', []],
      [' ', ['About soup', 'About bread']],
    ] as const) {
      await search(words);
      expect(titles(chat), words).to.deep.equal(found);
      await expect(chat.el).to.be.accessible();
    }
    await search('*<(');
    expect(chat.part('history-note')!.textContent).to.equal('No conversation has these words.');
    await chat.click('Back to the chat');
    await chat.click('Conversations');
    expect(titles(chat)).to.have.lengthOf(2);
  });

  it('keeps nothing by default, and shows no list', async () => {
    const chat = await open(store, 'none');
    await talk(chat, 'Hello', 'Hi.');
    expect(store.records.size).to.equal(0);
    expect(chat.part('history-button')).to.equal(null);
    expect(chat.button('Clear')).not.to.equal(null);
  });

  it('keeps a conversation as it grows, with its first words as its title', async () => {
    const chat = await open();
    await talk(chat, 'What  is\nthis?', 'A chat.');
    await talk(chat, 'And that?', 'A cat.');
    const [{title, messages, revision, conversation}] = [...store.records.values()];
    expect({title, messages}).to.deep.equal({title: 'What is this?', messages: 4});
    expect(revision).to.be.greaterThan(1);
    expect(conversation.turns.map(({message}) => message.content)).to.deep.equal([
      'What  is\nthis?',
      'A chat.',
      'And that?',
      'A cat.',
    ]);
  });

  it('begins a new conversation, and opens the old one, all by keyboard', async () => {
    const chat = await open();
    await talk(chat, 'First', '1');
    const focused = () => {
      const active = chat.el.shadowRoot!.activeElement!;
      return active.ariaLabel || active.textContent.trim().split(/\s*\n/)[0];
    };
    const press = async (...keys: string[]) => {
      for (const key of keys) await sendKeys({press: key});
      await chat.settle();
    };
    chat.button('New conversation').focus();
    await press('Enter');
    expect(chat.turns).to.deep.equal([]);
    expect(focused()).to.equal('Message');
    await talk(chat, 'Second', '2');
    chat.button('Conversations').focus();
    await press('Enter');
    expect(focused()).to.equal('Back to the chat');
    expect(titles(chat)).to.deep.equal(['Second', 'First']);
    expect(chat.part('history-current')!.textContent).to.include('Second');
    // New, search, Second with its three tools, First.
    await press(...Array<string>(7).fill('Tab'));
    expect(focused()).to.equal('First');
    await press('Enter');
    expect(chat.part('history')).to.equal(null);
    expect(chat.turns).to.deep.equal(['First', '1']);
    expect(focused()).to.equal('Message');
    expect(chat.announced.at(-1)).to.equal('Conversation opened.');
    chat.button('Conversations').focus();
    await press('Enter', 'Escape');
    expect(chat.part('history')).to.equal(null);
    expect(focused()).to.equal('Conversations');
  });

  it('hides the chat behind the list from keyboards and screen readers', async () => {
    const chat = await open();
    await chat.click('Conversations');
    chat.input.focus();
    expect(chat.el.shadowRoot!.activeElement).not.to.equal(chat.input);
  });

  it('renames, on screen or not, and the name stays', async () => {
    const chat = await open();
    await talk(chat, 'First', '1');
    await chat.click('New conversation');
    await talk(chat, 'Second', '2');
    await chat.click('Conversations');
    for (const [from, to] of [
      ['First', 'Uno'],
      ['Second', 'Dos'],
    ]) {
      await chat.click(`Rename “${from}”`);
      const input = chat.part<HTMLInputElement & HTMLElement>('history-input')!;
      expect(chat.el.shadowRoot!.activeElement).to.equal(input);
      input.value = to;
      await chat.click('Save');
      await chat.settle();
      expect(titles(chat)).to.include(to);
      expect(chat.el.shadowRoot!.activeElement).to.equal(chat.button(`Rename “${to}”`));
    }
    await chat.click('Back to the chat');
    await talk(chat, 'More', '3');
    expect([...store.records.values()].map(({title}) => title).sort()).to.deep.equal(['Dos', 'Uno']);
  });

  it('deletes after asking, and begins anew where it was on screen', async () => {
    const chat = await open();
    await talk(chat, 'First', '1');
    await chat.click('Conversations');
    await chat.click('Delete “First”');
    await chat.click('Cancel');
    expect(store.records.size).to.equal(1);
    await chat.click('Delete “First”');
    await chat.click('Delete');
    await chat.settle();
    expect(store.records.size).to.equal(0);
    expect(titles(chat)).to.deep.equal([]);
    await chat.click('Back to the chat');
    expect(chat.turns).to.deep.equal([]);
    // Nothing brings it back.
    await talk(chat, 'Second', '2');
    expect([...store.records.values()].map(({title}) => title)).to.deep.equal(['Second']);
  });

  it('keeps what came of an answer when another conversation is opened meanwhile', async () => {
    const chat = await open();
    await talk(chat, 'First', '1');
    const [{id}] = await chat.el.conversations();
    await chat.click('New conversation');
    await chat.ask('Second');
    const {lastAnswer} = chat.client;
    lastAnswer.text('Half an');
    await chat.settle();
    expect(await chat.el.openConversation(id)).to.equal(true);
    lastAnswer.text(' answer').end();
    await chat.settle();
    expect(chat.turns).to.deep.equal(['First', '1']);
    expect(chat.el.status).to.equal('ready');
    await chat.el.historyWritten;
    const second = [...store.records.values()].find(({title}) => title === 'Second')!;
    expect(second.conversation.turns.map(({message}) => message.content)).to.deep.equal(['Second', 'Half an']);
  });

  it('goes on after a reload with what the tab had open, each chat with its own', async () => {
    const one = await open();
    const two = await open();
    await talk(one, 'One', '1');
    await talk(two, 'Two', '2');
    one.el.remove();
    two.el.remove();
    await one.settle();
    const again = [await open(), await open()];
    expect(again.map((chat) => chat.turns)).to.deep.equal([
      ['One', '1'],
      ['Two', '2'],
    ]);
    await again[0].click('New conversation');
    again[0].el.remove();
    await again[0].settle();
    expect((await open()).turns).to.deep.equal([]);
  });

  it('does not put an old conversation over what the page has set', async () => {
    const before = await open();
    await talk(before, 'Old', '1');
    before.el.remove();
    await before.settle();
    const el = document.createElement('gemma-chat');
    Object.assign(el, {history: 'local', historyStore: store, messages: [{role: 'user', content: 'Mine'}]});
    before.el.remove();
    (await fixture(html`<div></div>`)).append(el);
    const chat = new Harness(el);
    await chat.settle();
    await chat.settle();
    expect(el.messages.map(({content}) => content)).to.deep.equal(['Mine']);
  });

  it('loses no word when two tabs go on with the same conversation', async () => {
    const mine = await open();
    await talk(mine, 'Shared', '1');
    const [{id}] = await mine.el.conversations();
    const theirs = await open(new MemoryStore(store.records));
    await theirs.el.openConversation(id);
    await talk(mine, 'Mine', 'a');
    await talk(theirs, 'Theirs', 'b');
    await talk(theirs, 'Theirs again', 'c');
    const kept = [...store.records.values()].map(({conversation}) =>
      conversation.turns.map((turn) => turn.message.content),
    );
    expect(kept).to.have.deep.members([
      ['Shared', '1', 'Mine', 'a'],
      ['Shared', '1', 'Theirs', 'b', 'Theirs again', 'c'],
    ]);
  });

  it('keeps apart what has another key', async () => {
    const a = await open(store, 'local', 'a');
    await talk(a, 'In a', '1');
    const b = await open(store, 'local', 'b');
    expect(await b.el.conversations()).to.deep.equal([]);
    const path = await open(store, 'local', 'path');
    await talk(path, 'Here', '2');
    expect([...store.records.keys()].map((key) => key.split('/').slice(0, -1).join('/'))).to.deep.equal([
      'key:a',
      `path:${location.pathname}`,
    ]);
  });

  it('opens nothing that is not whole, and says nothing is wrong with the rest', async () => {
    const chat = await open();
    await talk(chat, 'Good', '1');
    const good = [...store.records.values()][0];
    const put = (id: string, change: object) =>
      store.records.set(`origin/${id}`, {...good, id, title: id, ...change} as StoredConversation);
    put('looped', {conversation: {turns: [{id: 1, parent: 1, message: {role: 'user', content: 'x'}}], head: 1}});
    put('system', {conversation: {turns: [{id: 1, parent: null, message: {role: 'system', content: 'x'}}], head: 1}});
    put('timeless', {updated: 'now'});
    await chat.click('Conversations');
    expect(titles(chat)).to.have.members(['Good', 'looped', 'system']);
    for (const id of ['looped', 'system', 'timeless']) {
      expect(await chat.el.openConversation(id)).to.equal(false);
    }
    expect(chat.turns).to.deep.equal(['Good', '1']);
  });

  it('exports all and imports it elsewhere', async () => {
    const chat = await open();
    await talk(chat, 'First', '1');
    const file = new File([await chat.el.exportConversations()], 'all.json');
    const other = await open(new MemoryStore());
    await other.click('Conversations');
    expect(await other.el.importConversations(file)).to.equal(1);
    await other.settle();
    expect(titles(other)).to.deep.equal(['First']);
    const [{id}] = await other.el.conversations();
    await other.el.openConversation(id);
    expect(other.turns).to.deep.equal(['First', '1']);
  });

  it('takes as many of a file’s conversations as a history can hold', async () => {
    const chat = await open();
    const turns = [{id: 1, parent: null, message: {role: 'user', content: 'Hi'}}];
    const conversations = Array.from({length: 2001}, (_, i) => ({title: String(i), turns, head: 1}));
    const text = JSON.stringify({format: 'gemma-chat', version: 1, conversations});
    expect(await chat.el.importConversations(new File([text], 'all.json'))).to.equal(2000);
  });

  it('writes a file that is named by its title, as JSON or Markdown, and reads one that is chosen', async () => {
    const chat = await open();
    await talk(chat, 'Why? <b>', '1');
    const files: {name: string; blob: Promise<string>}[] = [];
    const {click} = HTMLAnchorElement.prototype;
    HTMLAnchorElement.prototype.click = function () {
      files.push({name: this.download, blob: fetch(this.href).then((response) => response.text())});
    };
    try {
      await chat.click('Conversations');
      for (const format of ['Export as Markdown', 'Export as JSON']) {
        await chat.click('Export “Why? <b>”');
        await chat.click(format);
        await chat.settle();
      }
    } finally {
      HTMLAnchorElement.prototype.click = click;
    }
    expect(files.map(({name}) => name)).to.deep.equal(['Why b.md', 'Why b.json']);
    const [markdown, json] = await Promise.all(files.map(({blob}) => blob));
    expect(markdown).to.include('# Why? <b>').and.to.include('## Gemma\n\n1');
    const input = chat.part('history-import')!.querySelector('input')!;
    const choose = async (text: string, name: string) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], name));
      input.files = transfer.files;
      input.dispatchEvent(new Event('change'));
      await chat.settle();
      await chat.settle();
      return chat.announced.at(-1);
    };
    expect(await choose(json, 'a.json')).to.equal('1 conversation imported.');
    expect(await choose('nothing', 'a.txt')).to.equal('This file holds no conversation that can be read.');
    expect(titles(chat)).to.deep.equal(['Why? <b>', 'Why? <b>']);
  });

  it('chats on where nothing can be kept, and says so in the list', async () => {
    const refuse = () => Promise.reject(new DOMException('no', 'SecurityError'));
    const chat = await open({list: refuse, read: refuse, write: refuse, remove: refuse});
    await talk(chat, 'Hello', 'Hi.');
    expect(chat.turns).to.deep.equal(['Hello', 'Hi.']);
    expect(chat.el.status).to.equal('ready');
    await chat.click('Conversations');
    expect(chat.part('history-note')!.textContent).to.include('cannot be kept');
    await chat.click('New conversation');
    expect(chat.turns).to.deep.equal([]);
  });

  it('keeps in IndexedDB for this tab, and tells a tab’s from the origin’s', async () => {
    const session = await open(null, 'session');
    await talk(session, 'For now', '1');
    const local = await open(null, 'local');
    await talk(local, 'For good', '2');
    const names = async (chat: Chat) => (await chat.el.conversations()).map(({title}) => title);
    expect(await names(session)).to.deep.equal(['For now']);
    expect(await names(local))
      .to.include('For good')
      .and.not.to.include('For now');
  });
});
