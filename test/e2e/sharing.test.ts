// Several widgets on several tabs at once, in a real browser: one worker, one model, one batch. And what happens to
// tabs: closed, crashed, reloaded, left and come back to. What the others answer must not change by a letter.
import {expect} from 'chai';
import type {BrowserContext, Page} from 'playwright-core';
import {
  answering,
  ask,
  type ChatSite,
  openChatSite,
  openChats,
  QUESTIONS,
  ready,
  stats,
  until,
} from '../helpers/chat-tabs.ts';

/** The chats of a page are asked one after the other. */
async function askInTurn(page: Page): Promise<string[]> {
  const answers: string[] = [];
  for (const [i, question] of QUESTIONS.entries()) {
    const asked = page.evaluate(
      async ([at, text]) => (await document.querySelectorAll('gemma-chat')[at].send(text))!.content,
      [i, question] as const,
    );
    answers.push(await asked);
  }
  return answers;
}

describe('one model for several tabs', () => {
  let site: ChatSite;
  let context: BrowserContext;
  let alone: string[];

  before(async () => {
    site = await openChatSite();
    const page = await openChats(await site.browser.newContext(), site);
    alone = await askInTurn(page);
    await page.context().close();
  });
  after(() => site?.close());
  beforeEach(async () => {
    context = await site.browser.newContext();
  });
  afterEach(() => context.close());

  it('answers all widgets of three tabs in one batch, word for word as alone', async () => {
    const first = await openChats(context, site);
    const tabs = [first, await openChats(context, site), await openChats(context, site)];
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
    const victim = await openChats(context, site);
    const [one, two] = [await openChats(context, site), await openChats(context, site)];
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
    await others((victim) => victim.goto('chrome://crash').catch(() => undefined), 4, 20_000);
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

  it('works on in new tabs and old ones after the site’s data were cleared', async () => {
    const old = await openChats(context, site);
    const cdp = await context.newCDPSession(old);
    await cdp.send('Storage.clearDataForOrigin', {origin: new URL(old.url()).origin, storageTypes: 'all'});
    // The browser now gives pages other locks than the worker has, which lives on with the old tab.
    const fresh = await openChats(context, site);
    expect(await Promise.all([ask(old), ask(fresh)])).to.deep.equal([alone, alone]);
    // Long enough for each side to take the other for dead.
    await new Promise((resolve) => setTimeout(resolve, 4000));
    expect(await ask(fresh)).to.deep.equal(alone);
    await old.reload();
    await ready(old);
    expect(await ask(old)).to.deep.equal(alone);
  });
});
