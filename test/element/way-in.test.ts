// A visitor's way from the first look to the first answer: writing before there is a model, a consent that is remembered,
// nothing that is gone at one press.
import {expect, fixture, html} from '@open-wc/testing';
import type {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import {consents} from '../../src/element/model/consent.ts';
import {GemmaError} from '../../src/errors.ts';
import type {ModelInspection} from '../../src/protocol/messages.ts';
import {type FakeLoad, fakeLoads, fakeQuestions, inspection} from './fake-client.ts';
import {Harness, MODEL_SRC} from './harness.ts';

describe('the way in', () => {
  let loads: FakeLoad[];
  let unhandled: unknown[];
  const hear = ({reason}: PromiseRejectionEvent) => unhandled.push(reason);
  beforeEach(() => {
    loads = fakeLoads();
    unhandled = [];
    addEventListener('unhandledrejection', hear);
  });
  afterEach(async () => {
    // Rejections are told of in a task of their own.
    await new Promise((resolve) => setTimeout(resolve));
    removeEventListener('unhandledrejection', hear);
    expect(unhandled).to.deep.equal([]);
  });
  const has = (chat: Harness, part: string) => chat.part(part) !== null;
  const focused = (chat: Harness) => chat.el.shadowRoot!.activeElement?.getAttribute('part') ?? null;
  async function poster(found: Partial<ModelInspection> = {}): Promise<Harness> {
    fakeQuestions(() => inspection(found));
    const chat = await Harness.poster();
    await chat.settle();
    return chat;
  }
  const lastContents = (load: FakeLoad) => load.client.lastAnswer.call.messages.map(({content}) => content);

  it('lets a visitor write and begin before there is a model, and answers when there is one', async () => {
    const chat = await poster();
    chat.el.starters = ['What is this?'];
    await chat.settle();
    await expect(chat.el).to.be.accessible();
    expect(chat.part('status')!.textContent).to.include('once the model is loaded');
    await chat.click('What is this?');
    // It asks for the load, and loads nothing by itself.
    expect(loads).to.have.lengthOf(0);
    expect(focused(chat)).to.include('load-button');
    expect(chat.part('message-queued')!.textContent)
      .to.include('What is this?')
      .and.to.include('Waiting for the model');
    await expect(chat.el).to.be.accessible();
    await chat.click('Load the model');
    loads[0].progress('download', 0.5);
    await chat.settle();
    // While it comes, a visitor goes on writing.
    await chat.ask('And that?');
    await chat.type('Half a sen');
    await expect(chat.el).to.be.accessible();
    loads[0].done();
    await chat.settle();
    expect(lastContents(loads[0])).to.deep.equal(['What is this?']);
    expect(chat.input.value).to.equal('Half a sen');
    loads[0].client.lastAnswer.text('A chat.').end();
    await chat.settle();
    await chat.settle();
    expect(lastContents(loads[0])).to.deep.equal(['What is this?', 'A chat.', 'And that?']);
  });

  it('loads with the first message where the visitor has agreed before', async () => {
    consents.add(new URL(MODEL_SRC, location.href).href);
    const chat = await poster();
    expect(loads).to.have.lengthOf(0);
    await chat.ask('Hello');
    expect(loads).to.have.lengthOf(1);
  });

  it('takes back what waits, into the text field', async () => {
    const chat = await poster();
    await chat.ask('Hello');
    await chat.click('Take back');
    expect([chat.input.value, has(chat, 'message-queued')]).to.deep.equal(['Hello', false]);
    expect(focused(chat)).to.equal('input');
  });

  it('sends at once what waits for an answer, which stays as far as it came', async () => {
    const chat = await Harness.ready();
    await chat.ask('One');
    chat.client.lastAnswer.text('Fir');
    await chat.ask('Two');
    await chat.click('Stop and send');
    await chat.settle();
    await chat.settle();
    expect(chat.client.lastAnswer.call.messages.map(({content}) => content)).to.deep.equal(['One', 'Fir', 'Two']);
    // Stop alone sends nothing: what waits is the visitor's again.
    await chat.ask('Three');
    await chat.click('Stop');
    await chat.settle();
    await chat.settle();
    expect(chat.client.answers).to.have.lengthOf(2);
    expect(chat.part('message-queued')!.textContent).to.include('Not sent yet');
    await chat.click('Send now');
    await chat.settle();
    expect(chat.client.answers).to.have.lengthOf(3);
  });

  it('asks once a site and model: the second chat, and the next page, are ready at once', async () => {
    const first = await poster();
    const second = await Harness.poster();
    await second.settle();
    await first.click('Load the model');
    fakeQuestions(() => inspection({loaded: true, storedBytes: 1e9}));
    loads[0].done();
    await first.settle();
    await second.settle();
    expect(loads).to.have.lengthOf(2);
    loads[1].done();
    await second.settle();
    expect(second.el.status).to.equal('ready');
    // The next page: all is stored.
    fakeQuestions(() => inspection({storedBytes: 2e9}));
    const third = await Harness.poster();
    await third.settle();
    expect(loads).to.have.lengthOf(3);
    // A consent to one model is none to another, and a part of it is fetched by no one's word.
    const other = await fixture<GemmaChatElement>(html`<gemma-chat model-src="/other.gguf"></gemma-chat>`);
    await new Harness(other).settle();
    fakeQuestions(() => inspection({storedBytes: 1e9}));
    const fourth = await Harness.poster();
    await fourth.settle();
    expect([loads.length, fourth.el.status]).to.deep.equal([3, 'consent']);
  });

  it('takes the consent back at one press, and by Cancel', async () => {
    const chat = await poster({storedBytes: 2e9, storedIds: ['one']});
    await chat.click('Load the model');
    loads[0].done();
    await chat.settle();
    await chat.click('Turn the model off');
    await chat.settle();
    expect([loads[0].client.closed, chat.el.status]).to.deep.equal([true, 'consent']);
    await expect(chat.el).to.be.accessible();
    const next = await Harness.poster();
    await next.settle();
    expect(loads).to.have.lengthOf(1);
    await next.click('Load the model');
    await next.settle();
    await next.click('Cancel');
    const last = await Harness.poster();
    await last.settle();
    // The first two joined the consent of the second, and stopped with nothing left to go on with.
    expect(last.el.status).to.equal('consent');
  });

  it('shows what another chat, or another tab, has changed', async () => {
    const chat = await poster();
    expect(chat.part('facts')!.textContent).not.to.include('already');
    fakeQuestions(() => inspection({storedBytes: 5e8}));
    const channel = new BroadcastChannel('gemma-chat-models');
    channel.postMessage(new URL(MODEL_SRC, location.href).href);
    await chat.until(() => chat.part('facts')!.textContent.includes('500 MB of it already'));
    channel.postMessage({any: 'thing'});
    channel.close();
  });

  it('reads a consent of any making, and none, without a fault', async () => {
    for (const kept of ['', '{', '7', '{"a":1}', '[7, null]', JSON.stringify(['x'.repeat(5000)])]) {
      localStorage.setItem('gemma-chat-consent', kept);
      const chat = await poster({storedBytes: 2e9});
      expect(chat.el.status, kept).to.equal('consent');
      expect(consents.has('x'.repeat(5000))).to.equal(false);
    }
    expect(loads).to.have.lengthOf(0);
  });

  it('brings back a deleted message and a cleared conversation', async () => {
    const chat = await Harness.ready();
    for (const [question, answer] of [
      ['One', '1'],
      ['Two', '2'],
    ]) {
      await chat.ask(question);
      chat.client.lastAnswer.text(answer).end();
      await chat.settle();
    }
    const before = chat.turns;
    for (const press of ['Delete', 'Clear']) {
      await chat.click(press);
      expect(chat.turns).not.to.deep.equal(before);
      await expect(chat.el).to.be.accessible();
      expect(has(chat, 'notice')).to.equal(true);
      await chat.click('Undo');
      expect(chat.turns).to.deep.equal(before);
      expect([has(chat, 'notice'), focused(chat)]).to.deep.equal([false, 'input']);
    }
    // A new message is a new matter.
    await chat.click('Clear');
    await chat.ask('Three');
    expect(has(chat, 'notice')).to.equal(false);
  });

  it('begins a line with Enter where the page says so, and sends with Ctrl', async () => {
    const chat = await Harness.ready();
    chat.el.setAttribute('enter-key', 'newline');
    await chat.settle();
    expect(chat.input.enterKeyHint).to.equal('enter');
    await chat.type('Hello');
    expect((await chat.press('Enter')).defaultPrevented).to.equal(false);
    expect(chat.client.answers).to.have.lengthOf(0);
    await chat.press('Enter', {ctrlKey: true});
    expect(chat.client.answers).to.have.lengthOf(1);
    chat.el.setAttribute('enter-key', 'send');
    await chat.settle();
    expect(chat.input.enterKeyHint).to.equal('send');
  });

  it('keeps what was written when the load fails, and says it after another try', async () => {
    const chat = await poster();
    await chat.ask('Hello');
    await chat.click('Load the model');
    loads[0].fail(new GemmaError('network', 'x'));
    await chat.settle();
    expect(has(chat, 'message-queued')).to.equal(true);
    await expect(chat.el).to.be.accessible();
    await chat.click('Try again');
    loads[1].done();
    await chat.settle();
    expect(lastContents(loads[1])).to.deep.equal(['Hello']);
  });
});
