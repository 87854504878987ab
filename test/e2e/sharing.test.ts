// Several widgets on several tabs at once, in a real browser: one worker, one model, one batch. And what happens to
// tabs: closed, crashed, reloaded, left and come back to. What the others answer must not change by a letter.
import {expect} from 'chai';
import type {Browser, BrowserContext, Page} from 'playwright-core';
import {launch, openSite, type Site} from '../../scripts/lib/browser.mjs';

const QUESTIONS = ['How do I put you on my page?', 'Who are you?'];
const MAX_TOKENS = 24;

const PAGE = `<!doctype html><meta charset="utf-8"><title>Sharing</title>
<script type="module" src="/gemma-chat.js"></script>
${QUESTIONS.map(
  () =>
    `<gemma-chat model-src="/demo/models/gemma-chat-demo.gguf" loading="eager" consent="given" temperature="0" max-tokens="${MAX_TOKENS}"></gemma-chat>`,
).join('\n')}`;

/** Two widgets, ready. */
async function open(context: BrowserContext, site: Site): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${site.url}sharing`);
  await ready(page);
  return page;
}

const ready = (page: Page) =>
  page.waitForFunction(() =>
    [...document.querySelectorAll('gemma-chat')].every(({status, client}) => status === 'ready' && client !== null),
  );

/** Asks in all widgets of the page at once. */
const ask = (page: Page): Promise<string[]> =>
  page.evaluate(
    (questions) =>
      Promise.all(
        [...document.querySelectorAll('gemma-chat')].map(async (element, i) => {
          element.clear();
          return (await element.send(questions[i]))!.content;
        }),
      ),
    QUESTIONS,
  );

const stats = (page: Page) => page.evaluate(() => document.querySelector('gemma-chat')!.client!.stats());

/** Until that many answers are in the making, in all tabs together. */
const answering = (page: Page, count: number) =>
  page.waitForFunction(async (wanted) => {
    const {batch} = await document.querySelector('gemma-chat')!.client!.stats();
    return batch.running >= wanted && batch.decodeRows > 0;
  }, count);

describe('one model for several tabs', () => {
  let site: Site;
  let context: BrowserContext;
  let alone: string[];

  before(async () => {
    site = await openSite({
      server: {
        handle(request, response) {
          if (request.url !== '/sharing') return false;
          response.writeHead(200, {'content-type': 'text/html'}).end(PAGE);
          return true;
        },
      },
    });
  });
  after(() => site?.close());
  beforeEach(async () => {
    context = await site.browser.newContext();
  });
  afterEach(() => context.close());

  it('answers all widgets of three tabs in one batch, word for word as alone', async () => {
    const first = await open(context, site);
    alone = [];
    for (const i of QUESTIONS.keys()) {
      alone.push(
        await first.evaluate(
          async ([at, question]) => (await document.querySelectorAll('gemma-chat')[at].send(question))!.content,
          [i, QUESTIONS[i]] as const,
        ),
      );
    }
    const tabs = [first, await open(context, site), await open(context, site)];
    const before = await stats(first);
    const answers = tabs.map(ask);
    await answering(first, 6);
    const during = await stats(first);
    expect(await Promise.all(answers)).to.deep.equal(tabs.map(() => alone));
    expect([during.clients, during.models, during.batch.queued]).to.deep.equal([6, 1, 0]);
    expect(during.batch.decodeRows).to.be.above(1);
    // Weights once, and the same pool of pages.
    const bytes = ({gpu}: typeof before) => [gpu.weightBytes, gpu.kvBytes, gpu.scratchBytes];
    expect(bytes(during)).to.deep.equal(bytes(before));
    expect(during.gpu.kvPages.full.shared).to.be.above(0);
  });

  /** A second and third tab answer while something happens to the first, which made the worker. */
  async function others(happen: (victim: Page) => Promise<unknown>, left: number): Promise<Page> {
    const victim = await open(context, site);
    const [one, two] = [await open(context, site), await open(context, site)];
    ask(victim).catch(() => undefined);
    const answers = [one, two].map(ask);
    await answering(one, 6);
    await happen(victim);
    const happened = Date.now();
    await one.waitForFunction(
      async (count) => (await document.querySelector('gemma-chat')!.client!.stats()).clients === count,
      left,
    );
    const noticed = Date.now() - happened;
    expect(await Promise.all(answers)).to.deep.equal([alone, alone]);
    // A second is what is promised; a software adapter's steps are in the way of the answer.
    expect(noticed).to.be.below(5000);
    return one;
  }

  it('goes on when the tab is closed that made the worker', async () => {
    await others((victim) => victim.close({runBeforeUnload: false}), 4);
  });

  it('goes on when a tab crashes', async () => {
    await others((victim) => victim.goto('chrome://crash').catch(() => undefined), 4);
  });

  it('goes on when a tab is reloaded, which joins again', async () => {
    let reloaded!: Page;
    const one = await others(async (victim) => {
      reloaded = victim;
      await victim.goto('about:blank');
    }, 4);
    await reloaded.goBack();
    await ready(reloaded);
    expect(await ask(reloaded)).to.deep.equal(alone);
    const {clients, models} = await stats(one);
    expect([clients, models]).to.deep.equal([6, 1]);
  });

  it('a page that comes back from the back-forward cache shows its conversation and answers', async () => {
    // Playwright turns the cache off; a page in it must hold no lock and no request.
    const caching: Browser = await launch({backForwardCache: true});
    try {
      const cached = await caching.newContext();
      const page = await open(cached, site);
      const [said] = await ask(page);
      await page.evaluate(() => {
        (window as {kept?: boolean}).kept = true;
      });
      await page.goto(`${site.url}demo/`);
      await page.goBack();
      const kept = await page.evaluate(() => (window as {kept?: boolean}).kept === true);
      await ready(page);
      if (kept) {
        const messages = await page.evaluate(() => document.querySelector('gemma-chat')!.messages);
        expect(messages.map(({content}) => content)).to.deep.equal([QUESTIONS[0], said]);
      }
      expect(kept, 'the browser kept the page').to.equal(true);
      expect(await ask(page)).to.deep.equal(alone);
    } finally {
      await caching.close();
    }
  });
});
