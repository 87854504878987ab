import {aTimeout, expect, fixture, html, nextFrame} from '@open-wc/testing';
import {sendKeys, setViewport} from '@web/test-runner-commands';
import type {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import type {GemmaChatModelElement} from '../../src/element/gemma-chat-model-element.ts';
import {FakeClient, type FakeLoad, fakeLoads, fakeQuestions} from './fake-client.ts';
import {Harness, MODEL_SRC, record} from './harness.ts';

describe('<gemma-chat display="launcher">', () => {
  let client: FakeClient;
  let chat: Harness;
  const opener = () => chat.part('launcher-button')!;
  const panel = () => chat.part('panel')!;
  const focused = () => chat.el.shadowRoot!.activeElement;

  beforeEach(async () => {
    await setViewport({width: 1000, height: 800});
    client = new FakeClient();
    chat = new Harness(
      await fixture<GemmaChatElement>(html`<gemma-chat display="launcher" .client=${client.asClient()}></gemma-chat>`),
    );
  });
  after(() => setViewport({width: 800, height: 600}));

  it('is accessible closed and open', async () => {
    await expect(chat.el).to.be.accessible();
    await chat.click('Open the chat');
    await expect(chat.el).to.be.accessible();
    expect(chat.part('base')!.role).to.equal('dialog');
    expect(chat.part('base')!.ariaLabel).to.equal('Chat with Gemma');
  });

  it('is a button in the corner that opens a panel above it, on the page', async () => {
    const {right, bottom, width, height} = opener().getBoundingClientRect();
    expect([right, bottom]).to.deep.equal([document.documentElement.clientWidth - 16, innerHeight - 16]);
    expect(Math.min(width, height)).to.be.at.least(44);
    expect(panel().checkVisibility()).to.equal(false);
    const toggles = record<{open: boolean}>(document, 'gemma-chat-toggle');
    await chat.click('Open the chat');
    const box = panel().getBoundingClientRect();
    expect(box.bottom).to.be.lessThan(opener().getBoundingClientRect().top);
    expect(box.top).to.be.at.least(0);
    expect(box.width).to.equal(400);
    await chat.click('Close the chat');
    expect(panel().checkVisibility()).to.equal(false);
    expect(toggles.map(({detail}) => detail.open)).to.deep.equal([true, false]);
  });

  it('takes the focus in, and gives it back on Escape', async () => {
    opener().focus();
    await sendKeys({press: 'Enter'});
    await chat.settle();
    expect(focused()).to.equal(chat.input);
    await sendKeys({press: 'Escape'});
    await chat.settle();
    expect(chat.el.open).to.equal(false);
    expect(focused()).to.equal(opener());
  });

  it('leaves Escape to the input method that composes', async () => {
    await chat.click('Open the chat');
    await chat.press('Escape', {isComposing: true});
    expect(chat.el.open).to.equal(true);
  });

  it('takes no focus when the page opens it', async () => {
    chat.el.open = true;
    await chat.settle();
    expect(panel().checkVisibility()).to.equal(true);
    expect(document.activeElement).to.equal(document.body);
  });

  it('keeps its conversation while it is closed, and goes on answering', async () => {
    await chat.click('Open the chat');
    await chat.ask('Hello');
    chat.el.open = false;
    client.lastAnswer.text('Good day.').end();
    await chat.settle();
    chat.el.open = true;
    await chat.settle();
    expect(chat.turns).to.deep.equal(['Hello', 'Good day.']);
  });

  it('covers a small screen, is modal there, and keeps the focus inside', async () => {
    await setViewport({width: 360, height: 640});
    await chat.settle();
    await chat.click('Open the chat');
    expect(panel().getBoundingClientRect().toJSON()).to.include({top: 0, left: 0, bottom: innerHeight});
    expect(chat.part('base')!.ariaModal).to.equal('true');
    await expect(chat.el).to.be.accessible();
    const seen = new Set<Element | null>();
    for (let step = 0; step < 12; step++) {
      await sendKeys({press: 'Tab'});
      expect(document.activeElement).to.equal(chat.el);
      seen.add(focused());
    }
    expect(seen).to.include(chat.input);
    expect(panel().contains(chat.part('close-button'))).to.equal(true);
    await chat.click('Close the chat');
    expect(focused()).to.equal(opener());
  });

  it('asks no server for anything before it is opened', async () => {
    const {asked} = fakeQuestions(() => null);
    const el = await fixture<GemmaChatElement>(
      html`<gemma-chat display="launcher" model-src=${MODEL_SRC}></gemma-chat>`,
    );
    const closed = new Harness(el);
    await closed.settle();
    expect(asked).to.deep.equal([]);
    await closed.click('Open the chat');
    expect(asked.map(({modelSrc}) => modelSrc)).to.deep.equal([MODEL_SRC]);
  });
});

describe('the launcher’s small script', () => {
  /** A page of its own, since this one has the element already. */
  async function page(body: string, after = ''): Promise<Document> {
    const frame = await fixture<HTMLIFrameElement>(html`<iframe title="page" width="800" height="600"></iframe>`);
    const entry = new URL('../../src/launcher.ts', import.meta.url).href;
    frame.srcdoc = `<!doctype html><html lang="de"><title>page</title>${body}<script type="module" src="${entry}"></script>${after}`;
    await new Promise((resolve) => {
      frame.onload = resolve;
    });
    return frame.contentDocument!;
  }
  const until = async (check: () => boolean) => {
    for (let turn = 0; turn < 500 && !check(); turn++) await aTimeout(10);
    expect(check()).to.equal(true);
  };

  it('shows a button in the page’s language, and brings the chat when it is pressed', async () => {
    const inside = await page('<gemma-chat display="launcher" model-src="/no-such-folder/x.gguf"></gemma-chat>');
    const el = inside.querySelector('gemma-chat')!;
    const button = el.shadowRoot!.querySelector('button')!;
    await until(() => button.ariaLabel === 'Chat öffnen');
    expect(el.matches(':defined')).to.equal(false);
    const {right, bottom} = button.getBoundingClientRect();
    button.click();
    await until(() => el.matches(':defined') && el.open);
    await el.updateComplete;
    await until(() => el.shadowRoot!.activeElement?.localName === 'textarea');
    const buttons = el.shadowRoot!.querySelectorAll('[part~="launcher-button"]');
    expect(buttons).to.have.lengthOf(1);
    const place = buttons[0].getBoundingClientRect();
    expect([place.right, place.bottom]).to.deep.equal([right, bottom]);
  });

  it('leaves its place to the whole script where another part of the page brings that', async () => {
    const whole = new URL('../../src/index.ts', import.meta.url).href;
    const inside = await page(
      '<gemma-chat display="launcher"></gemma-chat>',
      `<script type="module" src="${whole}"></script>`,
    );
    const el = inside.querySelector('gemma-chat')!;
    await until(() => el.matches(':defined'));
    await el.updateComplete;
    await until(() => el.shadowRoot!.querySelectorAll('button').length === 1);
    expect(el.shadowRoot!.querySelector('[part~="launcher-button"]')!.ariaExpanded).to.equal('false');
  });

  it('brings the chat at once where one stands in the page', async () => {
    const inside = await page('<gemma-chat></gemma-chat><gemma-chat display="launcher"></gemma-chat>');
    await until(() => inside.querySelector('gemma-chat')!.matches(':defined'));
    const closed = inside.querySelectorAll('gemma-chat')[1];
    await closed.updateComplete;
    await until(() => closed.shadowRoot!.querySelectorAll('button').length === 1);
    expect(closed.open).to.equal(false);
  });
});

describe('a launcher with words of the page', () => {
  it('is named by them, beside an icon of the page', async () => {
    const el = await fixture<GemmaChatElement>(html`
      <gemma-chat display="launcher" .client=${new FakeClient().asClient()}>
        <b slot="icon-launcher">?</b><span slot="launcher-text">Ask us</span>
      </gemma-chat>
    `);
    const chat = new Harness(el);
    await chat.settle();
    await expect(el).to.be.accessible();
    const button = chat.part('launcher-button')!;
    expect(button.ariaLabel).to.equal(null);
    const {width, height} = button.getBoundingClientRect();
    expect(width).to.be.greaterThan(height * 1.5);
    button.click();
    await chat.settle();
    expect(button.ariaLabel).to.equal('Close the chat');
  });
});

describe('<gemma-chat display="panel">', () => {
  it('is accessible, and fills its parent in every layout, without a frame', async () => {
    const box = await fixture<HTMLElement>(html`
      <div>
        <div style="block-size: 300px; inline-size: 320px"><gemma-chat display="panel"></gemma-chat></div>
        <div style="display: flex; flex-direction: column; block-size: 500px">
          <p style="flex: none; block-size: 40px; margin: 0">Title</p>
          <gemma-chat display="panel"></gemma-chat>
        </div>
        <div style="display: grid; block-size: 350px"><gemma-chat display="panel"></gemma-chat></div>
      </div>
    `);
    await expect(box).to.be.accessible();
    const heights = [...box.querySelectorAll('gemma-chat')].map((el) => el.getBoundingClientRect().height);
    expect(heights).to.deep.equal([300, 460, 350]);
    const base = box.querySelector('gemma-chat')!.shadowRoot!.querySelector('[part="base"]')!;
    expect(getComputedStyle(base).borderRadius).to.equal('0px');
  });
});

describe('<gemma-chat-model>', () => {
  let loads: FakeLoad[];
  beforeEach(() => {
    loads = fakeLoads();
  });

  async function page(): Promise<{box: HTMLElement; chats: Harness[]; model: GemmaChatModelElement}> {
    const box = await fixture<HTMLElement>(html`
      <div>
        <gemma-chat></gemma-chat>
        <gemma-chat-model model-src="/a/one.gguf" worker-src="/w.js" context-length="256"></gemma-chat-model>
        <gemma-chat model-src="/own.gguf"></gemma-chat>
      </div>
    `);
    const chats = [...box.querySelectorAll('gemma-chat')].map((el) => new Harness(el));
    const model = box.querySelector('gemma-chat-model')!;
    await model.updateComplete;
    await chats[0].settle();
    return {box, chats, model};
  }

  it('names the model of the chats that name none, and takes no room', async () => {
    const {box, chats, model} = await page();
    await expect(box).to.be.accessible();
    expect(model.getBoundingClientRect().height).to.equal(0);
    expect(chats.map((chat) => chat.part('facts')!.textContent.includes('one.gguf'))).to.deep.equal([true, false]);
    for (const chat of chats) await chat.click('Load the model');
    const asked = loads.map(({options: {modelSrc, workerSrc, contextLength}}) => ({
      modelSrc,
      workerSrc,
      contextLength,
    }));
    expect(asked).to.deep.equal([
      {modelSrc: '/a/one.gguf', workerSrc: '/w.js', contextLength: 256},
      {modelSrc: '/own.gguf', workerSrc: undefined, contextLength: undefined},
    ]);
  });

  it('changes it for them, and leaves the others alone', async () => {
    const {chats, model} = await page();
    for (const chat of chats) chat.el.load();
    for (const load of loads) load.done();
    await chats[0].settle();
    model.modelSrc = '/a/two.gguf';
    await model.updateComplete;
    await chats[0].settle();
    expect(loads.map(({client}) => client.closed)).to.deep.equal([true, false]);
    expect(chats[0].part('facts')!.textContent).to.include('two.gguf');
    model.remove();
    await chats[0].settle();
    expect(chats.map(({el}) => el.status)).to.deep.equal(['idle', 'ready']);
  });
});

describe('<gemma-chat> however it comes into a page', () => {
  it('keeps what the page set on it before its script came', async () => {
    const set = {messages: [{role: 'user', content: 'Hi'}], systemPrompt: 'Be brief.'};
    const frame = await fixture<HTMLIFrameElement>(html`<iframe title="late"></iframe>`);
    const inside = frame.contentDocument!;
    const late = inside.createElement('gemma-chat');
    Object.assign(late, set);
    inside.body.append(late);
    await nextFrame();
    const script = inside.createElement('script');
    script.type = 'module';
    script.src = new URL('../../src/index.ts', import.meta.url).href;
    inside.head.append(script);
    await new Promise((resolve) => {
      script.onload = resolve;
    });
    await late.updateComplete;
    expect(late.messages).to.deep.equal(set.messages);
    expect(late.systemPrompt).to.equal('Be brief.');
    expect(late.status).to.equal('idle');
  });

  it('is whole when a script makes it and appends it later', async () => {
    const el = document.createElement('gemma-chat');
    el.label = 'Mine';
    el.messages = [{role: 'user', content: 'Hi'}];
    (await fixture(html`<div></div>`)).append(el);
    await el.updateComplete;
    await expect(el).to.be.accessible();
    expect(new Harness(el).turns).to.deep.equal(['Hi']);
  });
});
