import {expect, fixture, html} from '@open-wc/testing';
import type {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import {GemmaError} from '../../src/errors.ts';
import {FakeClient, type FakeLoad, fakeLoads, fakeQuestions, inspection} from './fake-client.ts';
import {Harness, MODEL_SRC} from './harness.ts';

describe('<gemma-chat> on a page', () => {
  let loads: FakeLoad[];
  beforeEach(() => {
    loads = fakeLoads();
  });

  async function loaded(): Promise<Harness> {
    const chat = await Harness.poster();
    chat.el.load();
    loads.at(-1)!.done();
    await chat.settle();
    return chat;
  }

  it('is accessible twice on one page, and keeps the two apart', async () => {
    const clients = [new FakeClient(), new FakeClient()];
    const box = await fixture<HTMLElement>(html`
      <div>
        <gemma-chat label="One" .client=${clients[0].asClient()}></gemma-chat>
        <gemma-chat label="Two" .client=${clients[1].asClient()}></gemma-chat>
      </div>
    `);
    await expect(box).to.be.accessible();
    const [one, two] = [...box.querySelectorAll('gemma-chat')].map((el) => new Harness(el));
    await one.ask('To one');
    await two.ask('To two');
    clients[1].lastAnswer.text('2').end();
    clients[0].lastAnswer.text('1').end();
    await two.settle();
    expect(one.turns).to.deep.equal(['To one', '1']);
    expect(two.turns).to.deep.equal(['To two', '2']);
  });

  it('is accessible from right to left, and mirrors', async () => {
    const client = new FakeClient();
    const el = await fixture<GemmaChatElement>(html`<gemma-chat dir="rtl" .client=${client.asClient()}></gemma-chat>`);
    const chat = new Harness(el);
    await chat.ask('مرحبا');
    client.lastAnswer.text('أهلا').end();
    await chat.settle();
    await expect(el).to.be.accessible();
    const left = (name: string) => chat.part(name)!.getBoundingClientRect().left;
    expect(left('send-button')).to.be.lessThan(left('input'));
    expect(left('message-user')).to.be.lessThan(left('message-assistant'));
  });

  it('goes on with its answer when it is moved', async () => {
    const chat = await loaded();
    const {client} = loads[0];
    await chat.ask('Hello');
    const elsewhere = document.createElement('section');
    chat.el.parentElement!.append(elsewhere);
    elsewhere.append(chat.el);
    await chat.settle();
    client.lastAnswer.text('Still here.').end();
    await chat.settle();
    expect(client.closed).to.equal(false);
    expect(chat.turns).to.deep.equal(['Hello', 'Still here.']);
  });

  it('closes its client when it is removed, and loads again with its conversation when it comes back', async () => {
    const chat = await loaded();
    const parent = chat.el.parentElement!;
    await chat.ask('Hello');
    loads[0].client.lastAnswer.text('Good');
    await chat.settle();
    chat.el.remove();
    await chat.settle();
    expect(loads[0].client.closed).to.equal(true);
    parent.append(chat.el);
    await chat.settle();
    expect(loads).to.have.lengthOf(2);
    loads[1].done();
    await chat.settle();
    expect(chat.el.status).to.equal('ready');
    expect(chat.turns).to.deep.equal(['Hello', 'Good']);
  });

  it('lets go when the page is put aside, and is back with its conversation when the page is', async () => {
    const chat = await loaded();
    await chat.ask('Hello');
    loads[0].client.lastAnswer.text('Good');
    await chat.settle();
    dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}));
    await chat.settle();
    expect(loads[0].client.closed).to.equal(true);
    dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}));
    await chat.settle();
    expect(loads).to.have.lengthOf(2);
    loads[1].done();
    await chat.settle();
    expect(chat.el.status).to.equal('ready');
    expect(chat.turns).to.deep.equal(['Hello', 'Good']);
  });

  it('asks nothing about its model while the page is put aside, and asks when it is back', async () => {
    const {asked} = fakeQuestions(() => inspection());
    const chat = await Harness.poster();
    chat.el.load();
    loads[0].done();
    await chat.settle();
    const before = asked.length;
    dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}));
    await chat.settle();
    expect([chat.el.status, asked.length]).to.deep.equal(['consent', before]);
    dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}));
    await chat.settle();
    expect([chat.el.status, loads.length]).to.deep.equal(['downloading', 2]);

    const visited = await Harness.poster();
    await visited.settle();
    const shown = asked.length;
    dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}));
    await visited.settle();
    expect(asked.length).to.equal(shown);
    dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}));
    await visited.settle();
    expect(asked.length).to.equal(shown + 1);
  });

  it('stops loading when it is removed', async () => {
    const chat = await Harness.poster();
    await chat.click('Load the model');
    chat.el.remove();
    await chat.settle();
    expect(loads[0].options.signal.aborted).to.equal(true);
  });

  it("does not close the page's client", async () => {
    const chat = await Harness.ready();
    chat.el.remove();
    await chat.settle();
    expect(chat.client.closed).to.equal(false);
    chat.el.client = null;
    expect(chat.client.closed).to.equal(false);
    expect(chat.el.status).to.equal('idle');
  });

  it('fills the height of its container, and has one of its own elsewhere', async () => {
    const box = await fixture<HTMLElement>(html`
      <div>
        <div style="block-size: 700px"><gemma-chat model-src=${MODEL_SRC}></gemma-chat></div>
        <div><gemma-chat model-src=${MODEL_SRC}></gemma-chat></div>
        <div style="display: grid; grid-template-rows: 450px"><gemma-chat model-src=${MODEL_SRC}></gemma-chat></div>
      </div>
    `);
    const heights = [...box.querySelectorAll('gemma-chat')].map((el) => el.getBoundingClientRect().height);
    const own = Math.min(512, innerHeight * 0.85);
    expect(heights[0]).to.equal(700);
    expect(heights[1]).to.be.closeTo(own, 1);
    expect(heights[2]).to.equal(450);
  });

  it('lays nothing over anything, in a box of its own', async () => {
    const chat = await Harness.ready();
    await chat.ask('Hello');
    chat.client.lastAnswer.text('A line.\n'.repeat(40)).end();
    await chat.settle();
    await chat.type('One\nTwo\nThree');
    const box = (name: string) => chat.part(name)!.getBoundingClientRect();
    const column = ['header', 'messages', 'input', 'status'].map(box);
    for (const [i, next] of column.slice(1).entries()) expect(column[i].bottom).to.be.at.most(next.top + 1);
    const host = chat.el.getBoundingClientRect();
    expect(box('base').toJSON()).to.deep.equal(host.toJSON());
    expect(column.at(-1)!.bottom).to.be.at.most(host.bottom);
    expect(box('input').height).to.be.greaterThan(3 * 16);
  });

  it('fits 320 px, with targets that a finger hits', async () => {
    const client = new FakeClient();
    const box = await fixture<HTMLElement>(html`
      <div style="inline-size: 320px"><gemma-chat .client=${client.asClient()}></gemma-chat></div>
    `);
    const chat = new Harness(box.querySelector('gemma-chat')!);
    await chat.ask('x'.repeat(300));
    client.lastAnswer.text('y'.repeat(300)).fail(new GemmaError('internal', 'z'.repeat(300)));
    await chat.settle();
    for (const part of ['base', 'messages', 'error']) {
      const el = chat.part(part)!;
      expect(el.scrollWidth, part).to.be.at.most(el.clientWidth);
    }
    for (const control of chat.el.shadowRoot!.querySelectorAll('button, summary, textarea')) {
      // WCAG 2.2, 2.5.8: at least 24 by 24.
      const {width, height} = control.getBoundingClientRect();
      expect(Math.min(width, height), control.outerHTML).to.be.at.least(24);
    }
  });

  it('opens a long conversation at its end, whatever heights were guessed, and stays there', async () => {
    const chat = await Harness.ready();
    const long = (n: number) =>
      Array.from({length: n}, (_, i) => ({
        role: i % 2 ? ('assistant' as const) : ('user' as const),
        content: `${i}\n\n${'Some words that fill a line and more. '.repeat(1 + ((i * 7) % 40))}`,
      }));
    const list = () => chat.part('messages')!;
    const below = () => list().scrollHeight - list().clientHeight - list().scrollTop;
    for (const n of [12, 60]) {
      chat.el.messages = long(n);
      // Heights are known a few frames after they came into view.
      for (let frame = 0; frame < 8; frame++) await chat.settle();
      expect(below(), String(n)).to.be.lessThan(2);
      expect(chat.parts('end-button').length).to.equal(0);
      // Up, and another conversation is put in place: at its end again.
      list().scrollTop -= 300;
      await chat.settle();
      expect(chat.parts('end-button').length).to.equal(1);
    }
    // What grows without a word of ours, as a picture or a font does.
    chat.el.messages = long(12);
    for (let frame = 0; frame < 8; frame++) await chat.settle();
    chat.parts('message')[11].style.paddingBlockEnd = '200px';
    for (let frame = 0; frame < 4; frame++) await chat.settle();
    expect(below()).to.be.lessThan(2);
  });

  it('follows the answer until the reader scrolls up, and again from the end', async () => {
    const chat = await Harness.ready();
    await chat.ask('Tell a long story');
    const list = chat.part('messages')!;
    const grow = async () => {
      chat.client.lastAnswer.text('A line.\n'.repeat(40));
      await chat.settle();
    };
    const atEnd = () => list.scrollHeight - list.clientHeight - list.scrollTop < 2;
    await grow();
    expect(atEnd()).to.equal(true);
    list.scrollTop -= 100;
    await chat.settle();
    const {scrollTop} = list;
    await grow();
    expect(list.scrollTop).to.equal(scrollTop);
    list.scrollTop = list.scrollHeight;
    await chat.settle();
    await grow();
    expect(atEnd()).to.equal(true);
  });

  it('takes number attributes that are empty as left out', async () => {
    const el = await fixture<GemmaChatElement>(
      html`<gemma-chat max-tokens="" seed="" temperature=" " top-k="" top-p="" min-p="" context-length=""></gemma-chat>`,
    );
    const {maxTokens, seed, temperature, topK, topP, minP, contextLength} = el;
    expect([maxTokens, seed, temperature, topK, topP, minP, contextLength]).to.deep.equal([
      null,
      null,
      1,
      64,
      0.95,
      0,
      null,
    ]);
    el.setAttribute('max-tokens', '7');
    el.setAttribute('temperature', '0');
    expect([el.maxTokens, el.temperature]).to.deep.equal([7, 0]);
  });

  it('inherits no text styles that push its content out of place', async () => {
    const leaks =
      'letter-spacing: 9px; word-spacing: 30px; text-transform: uppercase; white-space: nowrap; text-indent: 80px; text-shadow: 1px 1px red; font-style: italic; font-weight: 900';
    const box = await fixture<HTMLElement>(
      html`<div style=${leaks}><gemma-chat .client=${new FakeClient().asClient()}></gemma-chat></div>`,
    );
    const chat = new Harness(box.querySelector('gemma-chat')!);
    await chat.settle();
    const style = getComputedStyle(chat.part('empty')!);
    const {letterSpacing, wordSpacing, textTransform, whiteSpace, textIndent, textShadow, fontStyle, fontWeight} =
      style;
    expect([
      letterSpacing,
      wordSpacing,
      textTransform,
      whiteSpace,
      textIndent,
      textShadow,
      fontStyle,
      fontWeight,
    ]).to.deep.equal(['normal', '0px', 'none', 'normal', '0px', 'none', 'normal', '400']);
  });

  it('keeps its looks in another document', async () => {
    const frame = await fixture<HTMLIFrameElement>(html`<iframe title="other" width="400" height="600"></iframe>`);
    const chat = await Harness.ready();
    frame.contentDocument!.body.append(chat.el);
    await chat.settle();
    expect(getComputedStyle(chat.part('base')!).display).to.equal('flex');
    document.body.append(chat.el);
    await chat.settle();
    expect(getComputedStyle(chat.part('base')!).display).to.equal('flex');
    chat.el.remove();
  });

  it('keeps keys that write from the page, and lets commands through', async () => {
    const chat = await Harness.ready();
    const heard: string[] = [];
    const hear = (event: Event) => heard.push(`${event.type} ${(event as KeyboardEvent).key}`);
    for (const type of ['keydown', 'keypress', 'keyup']) document.addEventListener(type, hear);
    const press = (target: HTMLElement, key: string, init: KeyboardEventInit = {}) => {
      for (const type of ['keydown', 'keypress', 'keyup']) {
        target.dispatchEvent(new KeyboardEvent(type, {key, bubbles: true, cancelable: true, composed: true, ...init}));
      }
    };
    for (const key of ['s', '/', '?', ' ', 'é', '字', '😀', 'Backspace', 'ArrowLeft', 'Home', 'Process'])
      press(chat.input, key);
    press(chat.input, 'Enter', {shiftKey: true});
    expect(heard).to.deep.equal([]);
    press(chat.input, 'k', {ctrlKey: true});
    press(chat.input, 'Escape');
    press(chat.input, 'F1');
    press(chat.part('send-button')!, 's');
    const expected = ['k', 'Escape', 'F1', 's'].flatMap((key) => [`keydown ${key}`, `keypress ${key}`, `keyup ${key}`]);
    expect(heard).to.deep.equal(expected);
    for (const type of ['keydown', 'keypress', 'keyup']) document.removeEventListener(type, hear);
  });

  it('counts what was set just before a method is called', async () => {
    const el = document.createElement('gemma-chat');
    document.body.append(el);
    el.modelSrc = '/one.gguf';
    el.contextLength = 512;
    const loading = el.load();
    expect(loads.map(({options}) => [options.modelSrc, options.contextLength])).to.deep.equal([['/one.gguf', 512]]);
    loads[0].done();
    await loading;
    el.modelSrc = '/two.gguf';
    el.systemPrompt = 'Be brief.';
    el.temperature = 0;
    const sending = el.send('Hi');
    expect(loads.map(({options}) => options.modelSrc)).to.deep.equal(['/one.gguf', '/two.gguf']);
    loads[1].done();
    const chat = new Harness(el);
    await chat.until(() => loads[1].client.answers.length > 0);
    const {call} = loads[1].client.lastAnswer;
    expect(call.messages[0]).to.deep.equal({role: 'system', content: 'Be brief.'});
    expect(call.temperature).to.equal(0);
    loads[1].client.lastAnswer.text('Hello').end();
    expect((await sending).content).to.equal('Hello');
    el.remove();
  });

  it('works under a policy that allows no inline styles and no inline scripts', async () => {
    const frame = await fixture<HTMLIFrameElement>(html`<iframe title="strict" width="400" height="600"></iframe>`);
    const entry = new URL('../../src/index.ts', import.meta.url).href;
    const policy = `default-src 'none'; script-src ${location.origin}; connect-src ${location.origin}`;
    const refused: string[] = [];
    frame.srcdoc = `<!doctype html><meta http-equiv="Content-Security-Policy" content="${policy}">
      <script type="module" src="${entry}"></script>`;
    await new Promise((resolve) => {
      frame.onload = resolve;
    });
    const inside = frame.contentDocument!;
    inside.addEventListener('securitypolicyviolation', (event) => refused.push(event.violatedDirective));
    const el = inside.createElement('gemma-chat');
    el.setAttribute('model-src', MODEL_SRC);
    inside.body.append(el);
    const chat = new Harness(el);
    await chat.settle();
    const client = new FakeClient();
    el.client = client.asClient();
    await chat.settle();
    await chat.ask('Hello');
    client.lastAnswer.think('Hm.').text('Hi.').fail(new GemmaError('internal', 'oops'));
    await chat.settle();
    expect(chat.turns).to.deep.equal(['Hello', 'Hi.']);
    expect(getComputedStyle(chat.part('base')!).display).to.equal('flex');
    expect(refused).to.deep.equal([]);
    // The policy is in force: what the element does without is refused.
    el.setAttribute('style', 'color: red');
    await chat.settle();
    expect(refused).to.deep.equal(['style-src-attr']);
  });
});
