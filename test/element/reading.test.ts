// A conversation as it is read: where an answer grows and ends, who wrote what and when, where the model begins to read,
// on paper and in a language that the chat does not speak.
import {expect, fixture, html} from '@open-wc/testing';
import {emulateMedia, sendKeys} from '@web/test-runner-commands';
import type {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import {historyPanel} from '../../src/element/late.ts';
import {GemmaError} from '../../src/errors.ts';
import {type FakeClient, usageOf} from './fake-client.ts';
import {Harness} from './harness.ts';

type Ready = Harness & {client: FakeClient};
async function answer(chat: Ready, question: string, text: string, end: 'stop' | 'length' | 'abort' = 'stop') {
  await chat.ask(question);
  chat.client.lastAnswer.text(text);
  await chat.settle();
  if (end === 'abort') await chat.click('Stop');
  else {
    chat.client.lastAnswer.end(end, usageOf(300, 84));
  }
  await chat.settle();
}
const texts = (chat: Harness, part: string) => chat.parts(part).map((each) => each.textContent.trim());

describe('a conversation as it is read', () => {
  it('shows where an answer grows, and why it ended', async () => {
    const chat = await Harness.ready();
    await chat.ask('One');
    chat.client.lastAnswer.text('First');
    await chat.settle();
    const last = chat.part('message-growing')!.querySelector('p')!;
    expect(getComputedStyle(last, '::after').content).to.equal('""');
    await expect(chat.el).to.be.accessible();
    await chat.click('Stop');
    await chat.settle();
    expect(chat.parts('message-growing')).to.have.lengthOf(0);
    expect(texts(chat, 'message-end')).to.deep.equal(['Stopped.']);
    await answer(chat, 'Two', 'Second');
    expect(texts(chat, 'message-end')).to.deep.equal(['Stopped.']);
    await expect(chat.el).to.be.accessible();
  });

  it('goes on with an answer that reached its limit, and shows how full the context is', async () => {
    const chat = await Harness.ready();
    expect(chat.parts('context')).to.have.lengthOf(0);
    await answer(chat, 'One', 'First', 'length');
    const meter = chat.part('context') as HTMLMeterElement & HTMLElement;
    expect([meter.value, meter.ariaLabel]).to.deep.equal([0.75, '75% of the model’s memory used']);
    await expect(chat.el).to.be.accessible();
    await chat.click('Continue the answer');
    await chat.until(() => chat.client.answers.length === 2);
    expect(chat.parts('continue-button')).to.have.lengthOf(0);
    chat.client.lastAnswer.text(' More').end();
    await chat.until(() => chat.el.status === 'ready');
    expect(chat.turns).to.deep.equal(['One', 'First More']);
    expect(chat.parts('continue-button')).to.have.lengthOf(0);
  });

  it('leaves out the oldest turns where they no longer fit, and draws a line where the model begins to read', async () => {
    const chat = await Harness.ready();
    chat.el.systemPrompt = 'Be brief.';
    await answer(chat, 'One', 'First');
    await answer(chat, 'Two', 'Second');
    await chat.ask('Three');
    const {call} = chat.client.lastAnswer;
    expect(call.context_overflow).to.equal('truncate-oldest');
    call.onProgress({phase: 'truncated', messages: 2});
    await chat.settle();
    const next = chat.part('cut')!.nextElementSibling!;
    expect(next.textContent).to.include('Two');
    chat.client.lastAnswer.text('Third').end();
    await chat.settle();
    expect(chat.part('cut')!.textContent).to.include('reads from here');
    await expect(chat.el).to.be.accessible();
    chat.el.contextOverflow = 'stop';
    await chat.ask('Four');
    expect(chat.client.lastAnswer.call.context_overflow).to.equal('stop');
    expect(chat.parts('cut')).to.have.lengthOf(0);
  });

  it('has the model think where the page says so, and shows what is refused', async () => {
    const chat = await Harness.ready();
    await answer(chat, 'One', 'First');
    expect(chat.client.lastAnswer.call).not.to.have.property('thinking');
    chat.el.setAttribute('thinking', '');
    await chat.ask('Two');
    expect(chat.client.lastAnswer.call.thinking).to.equal(true);
    chat.client.lastAnswer.fail(new GemmaError('option-invalid', 'thinking is asked for, but …'));
    await chat.settle();
    expect(chat.part('error')!.textContent).to.include('thinking is asked for');
  });

  it('says who wrote what, and when, where the site wants it; a question is near its answer', async () => {
    const chat = await Harness.ready();
    await answer(chat, 'One', 'First');
    await answer(chat, 'Two', 'Second');
    expect([chat.parts('message-head').length, chat.parts('avatar').length]).to.deep.equal([0, 0]);
    const [one, first, two] = chat.parts('message').map((each) => each.getBoundingClientRect());
    expect(first.top - one.bottom).to.be.lessThan(two.top - first.bottom);
    for (const name of ['show-names', 'show-times', 'show-avatars']) chat.el.setAttribute(name, '');
    await chat.settle();
    expect(texts(chat, 'message-name')).to.deep.equal(['You', 'Gemma', 'You', 'Gemma']);
    const at = Date.parse(chat.part('message-time')!.getAttribute('datetime')!);
    expect(Math.abs(Date.now() - at)).to.be.lessThan(60_000);
    expect(chat.parts('avatar-letter')).to.have.lengthOf(4);
    await expect(chat.el).to.be.accessible();
    // The page's own picture goes first.
    chat.el.innerHTML = '<img slot="avatar-user" alt="">';
    chat.el.requestUpdate();
    await chat.settle();
    expect(chat.parts('avatar-letter')).to.have.lengthOf(2);
  });

  it('has only one toolbar in the way of the Tab key, however many messages there are', async () => {
    const chat = await Harness.ready();
    chat.el.messages = Array.from({length: 20}, (_, i) => ({
      role: i % 2 ? ('assistant' as const) : ('user' as const),
      content: `${i}`,
    }));
    await chat.settle();
    const stops = () => chat.el.shadowRoot!.querySelectorAll('[part="actions"] button[tabindex="0"]').length;
    expect(stops()).to.equal(1);
    chat.parts('message')[3].focus();
    await chat.settle();
    expect(stops()).to.equal(1);
    expect(chat.parts('message')[3].querySelectorAll('[tabindex="0"]')).to.have.lengthOf(1);
  });

  it('gives the whole conversation on paper, and nothing to press', async () => {
    const chat = await Harness.ready();
    chat.el.messages = Array.from({length: 30}, (_, i) => ({
      role: i % 2 ? ('assistant' as const) : ('user' as const),
      content: `${i} ${'words '.repeat(60)}`,
    }));
    await chat.settle();
    await emulateMedia({media: 'print'});
    try {
      await chat.settle();
      const list = chat.part('messages')!;
      expect(list.scrollHeight).to.be.at.most(list.clientHeight + 1);
      expect(chat.el.getBoundingClientRect().height).to.be.greaterThan(list.scrollHeight - 2);
      const last = chat.parts('message').at(-1)!.getBoundingClientRect();
      expect(last.bottom).to.be.at.most(chat.el.getBoundingClientRect().bottom + 1);
      for (const part of ['composer', 'actions', 'tools'])
        expect(chat.part(part)!.checkVisibility(), part).to.equal(false);
    } finally {
      await emulateMedia({media: 'screen'});
    }
  });

  it('turns no English words around on a page in Hebrew, Farsi or Urdu', async () => {
    for (const lang of ['he', 'fa', 'ur']) {
      const box = await fixture(html`<div lang=${lang} dir="rtl"><gemma-chat model-src="/x.gguf"></gemma-chat></div>`);
      const chat = new Harness(box.querySelector<GemmaChatElement>('gemma-chat')!);
      await chat.settle();
      for (const part of ['poster-text', 'status']) {
        const text = document.createTreeWalker(chat.part(part)!, NodeFilter.SHOW_TEXT);
        let node = text.nextNode();
        while (node && !/[a-z]\.$/.test(node.textContent!.trim())) node = text.nextNode();
        const place = (at: number) => {
          const range = document.createRange();
          range.setStart(node!, at);
          range.setEnd(node!, at + 1);
          return range.getBoundingClientRect();
        };
        const end = node!.textContent!.trimEnd().length;
        // The full stop stands right of the letter before it.
        expect(place(end - 1).left, `${lang} ${part}`).to.be.greaterThan(place(end - 2).left);
      }
    }
  });

  it('takes the place that docs/element.md has a page keep for it, and what stood there before is gone', async () => {
    const box = await fixture<HTMLElement>(html`<div style="font-size: 16px"></div>`);
    const kept = document.createElement('div');
    kept.style.blockSize = 'min(32rem, 85dvb)';
    const el = document.createElement('gemma-chat');
    el.innerHTML = '<p>The chat needs JavaScript.</p>';
    box.append(kept, el);
    const chat = new Harness(el);
    await chat.settle();
    expect(el.getBoundingClientRect().height).to.equal(kept.getBoundingClientRect().height);
    expect(el.querySelector('p')!.checkVisibility()).to.equal(false);
  });

  it('keeps the focus in the list of conversations while it is open', async () => {
    await historyPanel.load();
    const chat = await Harness.ready();
    chat.el.history = 'session';
    chat.el.historyKey = crypto.randomUUID();
    chat.el.messages = [{role: 'user', content: 'One'}];
    await chat.settle();
    await chat.el.historyWritten;
    await chat.click('Conversations');
    await chat.until(() => chat.parts('history-item').length === 1);
    const panel = chat.part('history')!;
    for (const back of [false, true]) {
      if (back) await sendKeys({down: 'Shift'});
      for (let step = 0; step < 12; step++) {
        await sendKeys({press: 'Tab'});
        expect(panel.contains(chat.el.shadowRoot!.activeElement), `${back} ${step}`).to.equal(true);
      }
    }
    await sendKeys({up: 'Shift'});
  });
});
