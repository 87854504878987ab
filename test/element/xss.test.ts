import {expect} from '@open-wc/testing';
import {html, render} from 'lit';
import {ENGLISH} from '../../src/element/languages/index.ts';
import {colours, mathematics} from '../../src/element/late.ts';
import type {MarkdownEnvironment} from '../../src/element/markdown/environment.ts';
import {markdown, pace} from '../../src/element/markdown/markdown.ts';
import {Harness} from './harness.ts';
import {VECTORS} from './xss-vectors.ts';

/** Everything that an answer may become. */
const ELEMENTS = new Set(
  (
    'p h3 h4 h5 h6 ul ol li blockquote hr pre code span div strong em del br a img table thead tbody tr th td button svg path ' +
    'math semantics mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle merror mpadded mphantom msub msup msubsup ' +
    'munder mover munderover mmultiscripts mprescripts none mtable mtr mtd menclose'
  ).split(' '),
);
const SCHEMES = /^(?:https?|mailto|tel):/;

describe('what an answer can do', () => {
  let ran: string[];
  let asked: string[];
  let box: HTMLElement;
  let observer: PerformanceObserver;

  before(async () => {
    // With colours and formulas, whose output is the richest.
    await Promise.all([colours.load(), mathematics.load()]);
    expect(colours.failed || mathematics.failed).to.equal(false);
  });
  beforeEach(() => {
    ran = [];
    asked = [];
    Object.assign(window, {pwned: () => ran.push(new Error('ran').stack ?? '')});
    observer = new PerformanceObserver((list) => asked.push(...list.getEntries().map(({name}) => name)));
    observer.observe({type: 'resource'});
    box = document.createElement('div');
    document.body.append(box);
  });
  afterEach(() => {
    observer.disconnect();
    box.remove();
  });

  const env = (images = false): MarkdownEnvironment => ({language: ENGLISH, images, copy: () => {}});
  const show = (text: string, finished: boolean, environment: MarkdownEnvironment) =>
    render(html`<div>${markdown(text, finished, environment)}</div>`, box);

  function checkElements(vector: string): void {
    for (const element of box.querySelectorAll('*')) {
      const what = `${JSON.stringify(vector)} made ${element.outerHTML.slice(0, 200)}`;
      if (!ELEMENTS.has(element.localName)) expect.fail(what);
      for (const {name, value} of element.attributes) {
        if (/^on|^style$|^srcdoc$|^ping$|^form/.test(name) && element.namespaceURI?.endsWith('xhtml'))
          expect.fail(what);
        if (/href$|^src$/.test(name) && !SCHEMES.test(value)) expect.fail(what);
      }
      if (element instanceof HTMLElement && element.hasAttribute('style')) expect.fail(what);
    }
  }

  /** Handlers of errors and loads run in tasks of their own. */
  const wait = () => new Promise((resolve) => setTimeout(resolve, 100));

  it('has a corpus of at least 200 texts that try', () => {
    expect(VECTORS.length).to.be.at.least(200);
  });

  it('is nothing, whatever it says and wherever it is cut', async function () {
    this.timeout(60_000);
    const environment = env();
    for (const vector of VECTORS) {
      for (let n = 1; n <= vector.length; n++) {
        show(vector.slice(0, n), false, environment);
        checkElements(vector);
      }
      show(vector, true, environment);
      checkElements(vector);
    }
    // All of it at once, in place: what handlers and loads would run has time to.
    show(VECTORS.join('\n\n'), true, environment);
    while (pace.busy) await new Promise((resolve) => setTimeout(resolve));
    checkElements('all');
    expect(box.querySelectorAll('a').length).to.be.greaterThan(50);
    expect(box.querySelector('math'), 'a formula').not.to.equal(null);
    expect(box.querySelector('[class^="code-"]'), 'colours').not.to.equal(null);
    for (const link of box.querySelectorAll<HTMLAnchorElement>('a:not([href])')) link.click();
    await wait();
    expect(ran).to.deep.equal([]);
    expect(asked.filter((url) => /pwned|example/.test(url))).to.deep.equal([]);
  });

  it('can show pictures where the page allows it, and nothing else', async () => {
    const environment = env(true);
    const texts = VECTORS.filter((vector) => vector.includes('!['));
    for (const vector of texts) {
      for (const finished of [false, true]) {
        show(vector, finished, environment);
        checkElements(vector);
      }
    }
    show('![a cat](/__none.png "t")', true, environment);
    const image = box.querySelector('img')!;
    expect(image.getAttribute('src')).to.equal(new URL('/__none.png', location.href).href);
    expect(image.alt).to.equal('a cat');
    expect(image.referrerPolicy).to.equal('no-referrer');
    await wait();
    expect(ran).to.deep.equal([]);
  });

  it('is nothing in the chat either: in an answer, in its thinking, in what the visitor wrote', async () => {
    const all = VECTORS.join('\n\n');
    const chat = await Harness.ready();
    await expect(chat.el).to.be.accessible();
    await chat.ask(all);
    chat.client.lastAnswer.think(all).text(all).end();
    await chat.settle();
    expect(chat.el.status).to.equal('ready');
    expect(chat.turns[0]).to.equal(all);
    const list = chat.part('messages')!;
    expect(list.querySelector('script, iframe, object, embed, link, style, form, img, video, base, meta')).to.equal(
      null,
    );
    await wait();
    expect(ran).to.deep.equal([]);
    expect(asked.filter((url) => /pwned|example/.test(url))).to.deep.equal([]);
  });
});
