import {expect, fixture, html} from '@open-wc/testing';
import type {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import {ERROR_CODES, type ErrorCode, GemmaError} from '../../src/errors.ts';
import {type FakeLoad, fakeLoads, fakeQuestions, inspection} from './fake-client.ts';
import {Harness, MODEL_SRC} from './harness.ts';

describe('<gemma-chat> when something fails', () => {
  let loads: FakeLoad[];
  beforeEach(() => {
    loads = fakeLoads();
  });

  async function failed(code: ErrorCode, detail = {}, content = html``): Promise<Harness> {
    const el = await fixture<GemmaChatElement>(html`<gemma-chat model-src=${MODEL_SRC}>${content}</gemma-chat>`);
    const chat = new Harness(el);
    await chat.settle();
    el.load().catch(() => {});
    loads.at(-1)!.fail(new GemmaError(code, `found ${code}`, {detail}));
    await chat.settle();
    return chat;
  }

  it('is accessible with every error', async () => {
    const chat = await failed('internal');
    for (const code of ERROR_CODES) {
      chat.el.load().catch(() => {});
      loads.at(-1)!.fail(new GemmaError(code, `found ${code}`));
      await chat.settle();
      expect(chat.part('error-message')!.role).to.equal('alert');
      await expect(chat.el).to.be.accessible();
    }
  }).timeout(60_000);

  it('says how much space is needed', async () => {
    const chat = await failed('storage-full', {needed: 2_000_000_000, free: 1_000_000});
    expect(chat.part('error-note')!.textContent).to.equal('Needed: 2 GB. Free: 1 MB.');
  });

  it('offers no retry without WebGPU, and shows what the page has instead', async () => {
    const chat = await failed('webgpu-missing', {}, html`<a slot="fallback" href="/contact">Write to us</a>`);
    expect(chat.part('retry-button')).to.equal(null);
    const link = chat.el.querySelector('a')!;
    expect(link.checkVisibility()).to.equal(true);
    // With the words, not in the column of the sign.
    const left = (part: string) => chat.part(part)!.getBoundingClientRect().left;
    expect(left('fallback')).to.equal(left('error-message'));
    await expect(chat.el).to.be.accessible();
    // A network may come back: nothing is given up.
    const other = await failed('network', {}, html`<a slot="fallback" href="/contact">Write to us</a>`);
    expect(other.el.querySelector('a')!.checkVisibility()).to.equal(false);
  });

  it('says what works offline: with the model here, and without it', async () => {
    Object.defineProperty(navigator, 'onLine', {configurable: true, value: false});
    try {
      for (const [storedBytes, text] of [
        [2e9, 'The model is on this device'],
        [5, 'Connect to the internet'],
      ] as const) {
        fakeQuestions(() => inspection({storedBytes, online: false}));
        const chat = await Harness.poster();
        await chat.settle();
        expect(chat.parts('note').map((note) => note.textContent)).to.have.lengthOf(1);
        expect(chat.part('note')!.textContent).to.include(text);
        await expect(chat.el).to.be.accessible();
      }
      const chat = await failed('network');
      expect(chat.part('error-text')!.textContent).to.include('You are offline');
    } finally {
      Reflect.deleteProperty(navigator, 'onLine');
    }
  });

  it('begins a new conversation where the old one is full', async () => {
    const chat = await Harness.ready();
    await chat.ask('Long');
    chat.client.lastAnswer.fail(new GemmaError('context-overflow', '600 of 512 tokens'));
    await chat.settle();
    await chat.click('New conversation');
    expect(chat.turns).to.deep.equal([]);
    expect(chat.el.status).to.equal('ready');
    expect(chat.el.shadowRoot!.activeElement).to.equal(chat.input);
  });

  it('copies a report, and shows it where it may not', async () => {
    const chat = await failed('device-lost');
    const {clipboard} = navigator;
    const copied: string[] = [];
    const offer = (writeText: (text: string) => Promise<void>) =>
      Object.defineProperty(navigator, 'clipboard', {configurable: true, value: {writeText}});
    try {
      offer(async (text) => void copied.push(text));
      await chat.click('Copy a report');
      await chat.until(() => chat.announced.at(-1) === 'Report copied.');
      expect(copied[0]).to.include('last error: device-lost: found device-lost').and.to.include('status: error');
      expect(chat.part('report')!.textContent).to.equal(copied[0]);
      expect(chat.part<HTMLDetailsElement>('error-detail')!.open).to.equal(true);
      await expect(chat.el).to.be.accessible();
      offer(() => Promise.reject(new DOMException('no', 'NotAllowedError')));
      await chat.click('Copy a report');
      await chat.until(() => chat.announced.at(-1) === 'The report could not be copied.');
    } finally {
      Object.defineProperty(navigator, 'clipboard', {configurable: true, value: clipboard});
    }
  });

  it('keeps nothing of the visitor’s in the report', async () => {
    const chat = await Harness.ready();
    chat.el.systemPrompt = 'The secret is 42.';
    await chat.ask('My name is Ann.');
    chat.client.lastAnswer.text('Hello, Ann.').end();
    await chat.settle();
    expect(await chat.el.diagnose()).not.to.match(/Ann|42\.|localhost/);
  });
});
