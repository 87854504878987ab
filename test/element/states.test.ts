import {expect, fixture, html, waitUntil} from '@open-wc/testing';
import type {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import {en} from '../../src/element/languages/en.ts';
import {ERROR_CODES, GemmaError} from '../../src/errors.ts';
import {FakeClient, type FakeLoad, fakeLoads} from './fake-client.ts';
import {Harness, MODEL_SRC, record} from './harness.ts';

describe('<gemma-chat> from poster to ready', () => {
  let loads: FakeLoad[];
  beforeEach(() => {
    loads = fakeLoads();
  });

  it('is accessible without a model', async () => {
    const el = await fixture<GemmaChatElement>(html`<gemma-chat></gemma-chat>`);
    await expect(el).to.be.accessible();
    expect(el.status).to.equal('idle');
    expect(el.shadowRoot!.querySelector('[part~=load-button]')).to.equal(null);
  });

  it('is accessible as a poster, and loads nothing before it is asked', async () => {
    const chat = await Harness.poster();
    await expect(chat.el).to.be.accessible();
    expect(chat.el.status).to.equal('consent');
    expect(loads).to.have.lengthOf(0);
  });

  it('is accessible while it downloads, prepares, is ready, and shows an error', async () => {
    const chat = await Harness.poster();
    await chat.click('Load the model');
    await expect(chat.el).to.be.accessible();
    loads[0].progress('compile', 0.9);
    await chat.settle();
    await expect(chat.el).to.be.accessible();
    loads[0].done();
    await chat.settle();
    await expect(chat.el).to.be.accessible();
    await chat.ask('Hello');
    loads[0].client.lastAnswer.fail(new GemmaError('out-of-memory', 'no room'));
    await chat.settle();
    expect(chat.part('error')).not.to.equal(null);
    await expect(chat.el).to.be.accessible();
  });

  it('is accessible in the dark', async () => {
    const chat = await Harness.ready();
    chat.el.style.colorScheme = 'dark';
    await chat.ask('Hello');
    chat.client.lastAnswer.think('Hm.').text('Hi.').end();
    await chat.settle();
    await expect(chat.el).to.be.accessible();
  });

  it('says that the size is unknown where the server does not tell', async () => {
    const chat = await Harness.poster();
    await waitUntil(() => chat.part('facts')!.textContent.includes('size unknown'), 'the size is given up');
    expect(chat.part('facts')!.textContent).to.include('tiny.gguf');
    expect(chat.button('Load the model').disabled).to.equal(false);
  });

  it('knows name and size of a file without asking anyone', async () => {
    const chat = new Harness(await fixture<GemmaChatElement>(html`<gemma-chat></gemma-chat>`));
    chat.el.modelSrc = new File([new Uint8Array(1234)], 'mine.gguf');
    await chat.settle();
    expect(chat.part('facts')!.textContent)
      .to.include('mine.gguf')
      .and.to.include('1.2 kB')
      .and.to.include('this device');
    await chat.click('Load the model');
    expect(loads[0].options.modelSrc).to.equal(chat.el.modelSrc);
  });

  it('goes through its states in order, with events that stay on the element', async () => {
    const chat = await Harness.poster();
    const seen = record<{status: string}>(document, 'gemma-chat-status');
    const progress = record(chat.el, 'progress');
    const load = record<{model: {name: string}}>(chat.el, 'load');
    const bubbled = [...['progress', 'load', 'error'].map((type) => record(chat.el.parentElement!, type))];
    await chat.click('Load the model');
    loads[0].progress('header', 0).progress('download', 0.5).progress('compile', 0.9).done();
    await chat.settle();
    expect(seen.map(({detail}) => detail.status)).to.deep.equal(['downloading', 'loading', 'ready']);
    expect(progress).to.have.lengthOf(3);
    expect(load[0].detail.model.name).to.equal('Fake Gemma');
    expect(bubbled.flat()).to.have.lengthOf(0);
  });

  it('shows how far the download is', async () => {
    const chat = await Harness.poster();
    await chat.click('Load the model');
    loads[0].progress('download', 0.5);
    await chat.settle();
    expect(chat.part('progress-text')!.textContent).to.equal('Loading the model: 1 kB of 2 kB');
    expect(chat.part<HTMLProgressElement & HTMLElement>('progress-bar')!.value).to.equal(0.5);
  });

  it('loads at once when eager and agreed to, and hands on what concerns loading', async () => {
    const el = await fixture<GemmaChatElement>(
      html`<gemma-chat
        loading="eager"
        consent="given"
        model-src=${MODEL_SRC}
        context-length="128"
        worker-src="/w.js"
      ></gemma-chat>`,
    );
    expect(el.status).to.equal('downloading');
    expect(loads).to.have.lengthOf(1);
    const {modelSrc, contextLength, workerSrc} = loads[0].options;
    expect({modelSrc, contextLength, workerSrc}).to.deep.equal({
      modelSrc: MODEL_SRC,
      contextLength: 128,
      workerSrc: '/w.js',
    });
  });

  it('goes back to the poster when loading is cancelled', async () => {
    const chat = await Harness.poster();
    const errors = record(chat.el, 'error');
    await chat.click('Load the model');
    await chat.click('Cancel');
    expect(loads[0].options.signal.aborted).to.equal(true);
    expect(chat.el.status).to.equal('consent');
    expect(errors).to.have.lengthOf(0);
  });

  it('closes a client that comes after loading was cancelled', async () => {
    const late = new FakeClient();
    const chat = await Harness.poster();
    let resolve = (_: FakeClient) => {};
    const {GemmaChatElement: Class} = await import('../../src/element/gemma-chat-element.ts');
    Class.loadClient = () => new Promise((done) => (resolve = (client) => done(client.asClient())));
    await chat.click('Load the model');
    await chat.click('Cancel');
    resolve(late);
    await chat.settle();
    expect(late.closed).to.equal(true);
    expect(chat.el.client).to.equal(null);
  });

  it('keeps keyboard focus from the Load button to the text field', async () => {
    const chat = await Harness.poster();
    chat.button('Load the model').focus();
    await chat.click('Load the model');
    expect(chat.el.shadowRoot!.activeElement).to.equal(chat.button('Cancel'));
    loads[0].done();
    await chat.settle();
    expect(chat.el.shadowRoot!.activeElement).to.equal(chat.input);
  });

  it('takes no focus that it did not have', async () => {
    const chat = await Harness.poster();
    chat.el.load();
    loads[0].done();
    await chat.settle();
    expect(document.activeElement).to.equal(document.body);
  });

  it('lets go of the model when the address changes, and fires load again', async () => {
    const chat = await Harness.poster();
    const load = record(chat.el, 'load');
    chat.el.load();
    loads[0].done();
    await chat.settle();
    chat.el.modelSrc = '/no-such-folder/other.gguf';
    await chat.settle();
    expect(loads[0].client.closed).to.equal(true);
    expect(chat.el.status).to.equal('consent');
    await chat.click('Load the model');
    loads[1].done();
    await chat.settle();
    expect(load).to.have.lengthOf(2);
  });

  it('rejects load without an address with a code', async () => {
    const el = await fixture<GemmaChatElement>(html`<gemma-chat></gemma-chat>`);
    const error = await el.load().catch((reason) => reason);
    expect(error).to.be.instanceOf(GemmaError);
    expect(error.code).to.equal('option-invalid');
  });

  describe('when loading fails', () => {
    for (const code of ERROR_CODES) {
      it(`shows a text for ${code}`, async () => {
        const chat = await Harness.poster();
        const errors = record<GemmaError>(chat.el, 'error');
        await chat.click('Load the model');
        loads[0].fail(new GemmaError(code, 'found this, expected that'));
        await chat.settle();
        expect(chat.el.status).to.equal('error');
        expect(chat.part('error-text')!.textContent.trim()).to.equal(en[`error-${code}`]);
        expect(chat.part('error-detail')!.textContent).to.include(code).and.to.include('found this, expected that');
        expect(errors[0].detail.code).to.equal(code);
      });
    }

    it('shows any other thrown value as internal', async () => {
      const chat = await Harness.poster();
      await chat.click('Load the model');
      loads[0].fail(new TypeError('x is undefined'));
      await chat.settle();
      expect(chat.part('error-text')!.textContent.trim()).to.equal(en['error-internal']);
    });

    it('tries again', async () => {
      const chat = await Harness.poster();
      await chat.click('Load the model');
      loads[0].fail(new GemmaError('network', 'gone'));
      await chat.settle();
      await chat.click('Try again');
      expect(chat.el.status).to.equal('downloading');
      loads[1].done();
      await chat.settle();
      expect(chat.el.status).to.equal('ready');
      expect(chat.part('error')).to.equal(null);
    });

    it("shows the page's own text for a code", async () => {
      const el = await fixture<GemmaChatElement>(
        html`<gemma-chat model-src=${MODEL_SRC}><b slot="error-cors">Ask our support.</b></gemma-chat>`,
      );
      const chat = new Harness(el);
      await chat.click('Load the model');
      loads[0].fail(new GemmaError('cors', 'no header'));
      await chat.settle();
      const slot = chat.part('error-text')!.querySelector('slot')!;
      expect(slot.assignedElements()[0].textContent).to.equal('Ask our support.');
    });
  });
});
