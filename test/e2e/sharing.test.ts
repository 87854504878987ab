// Several widgets on several tabs at once, in a real browser: one worker, one model, one batch. And what happens to
// tabs: closed, crashed, reloaded, left and come back to. What the others answer must not change by a letter.
import {expect} from 'chai';
import type {BrowserContext, Page} from 'playwright-core';
import {openSite, type Site} from '../../scripts/lib/browser.mjs';

const QUESTIONS = ['How do I put you on my page?', 'Who are you?'];
const MAX_TOKENS = 24;
/** More than a page of tokens, so that all have one in common. */
const SYSTEM = 'You answer questions about gemma-chat, which puts a private chat on any web page. '.repeat(3).trim();

const PAGE = `<!doctype html><meta charset="utf-8"><title>Sharing</title>
<script type="module" src="/gemma-chat.js"></script>
${QUESTIONS.map(
  () =>
    `<gemma-chat model-src="/demo/models/gemma-chat-demo.gguf" loading="eager" consent="given" temperature="0" system-prompt="${SYSTEM}" max-tokens="${MAX_TOKENS}"></gemma-chat>`,
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

type Stats = Awaited<ReturnType<typeof stats>>;

/** Asks until the worker says so. (`waitForFunction` would take a promise for a yes.) */
async function until(page: Page, holds: (stats: Stats) => boolean): Promise<Stats> {
  for (;;) {
    const found = await stats(page);
    if (holds(found)) return found;
    await page.waitForTimeout(20);
  }
}

/** Until that many answers are in the making, in all tabs together. */
const answering = (page: Page, count: number) =>
  until(page, ({batch}) => batch.running >= count && batch.decodeRows > 1);

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
    const during = await answering(first, 6);
    expect(await Promise.all(answers)).to.deep.equal(tabs.map(() => alone));
    expect([during.clients, during.models, during.batch.queued]).to.deep.equal([6, 1, 0]);
    // Weights once, and the same pool of pages.
    const bytes = ({gpu}: typeof before) => [gpu.weightBytes, gpu.kvBytes, gpu.scratchBytes];
    expect(bytes(during)).to.deep.equal(bytes(before));
    expect(during.gpu.kvPages.full.shared).to.be.above(0);
  });

  /** A second and third tab answer while something happens to the first, which made the worker. */
  async function others(happen: (victim: Page) => Promise<unknown>, left: number, withinMs = 5000): Promise<Page> {
    const victim = await open(context, site);
    const [one, two] = [await open(context, site), await open(context, site)];
    ask(victim).catch(() => undefined);
    const answers = [one, two].map(ask);
    await answering(one, 6);
    await happen(victim);
    const happened = Date.now();
    await until(one, ({clients}) => clients === left);
    const noticed = Date.now() - happened;
    expect(await Promise.all(answers)).to.deep.equal([alone, alone]);
    // A second is what is promised; a software adapter's steps are in the way of the answer.
    expect(noticed).to.be.below(withinMs);
    return one;
  }

  it('goes on when the tab is closed that made the worker', async () => {
    await others((victim) => victim.close({runBeforeUnload: false}), 4);
  });

  it('goes on when a tab crashes', async () => {
    // The worker goes along: whom it served is known again when the next one has loaded the model.
    await others((victim) => victim.goto('chrome://crash').catch(() => undefined), 4, 60_000);
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
});
