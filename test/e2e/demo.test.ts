// The demo page as `npm start` serves it, in a real browser: two widgets and a script on each of two tabs, one worker,
// one model. And what a visitor does: load, ask, stop, close a tab, lose the network.
import {statSync} from 'node:fs';
import {expect} from 'chai';
import type {BrowserContext, Page} from 'playwright-core';
import {openSite, type Site} from '../../scripts/lib/browser.mjs';

const READY = {timeout: 120_000};

async function openDemo(context: BrowserContext, site: Site): Promise<Page> {
  const page = await context.newPage();
  page.on('pageerror', (error) => {
    throw error;
  });
  await page.goto(`${site.url}demo/`);
  return page;
}

const widget = (page: Page, index: number) => page.locator('gemma-chat').nth(index);

async function loadWidget(page: Page, index: number): Promise<void> {
  await widget(page, index).getByRole('button', {name: 'Load the model'}).click();
  await waitForStatus(page, index, 'ready');
}

const waitForStatus = (page: Page, index: number, status: string) =>
  page.waitForFunction(
    ([at, wanted]) => document.querySelectorAll('gemma-chat')[Number(at)].status === wanted,
    [index, status] as const,
    READY,
  );

/** Types a question, waits for the whole answer and returns it. */
async function ask(page: Page, index: number, question: string): Promise<string> {
  const box = widget(page, index).getByRole('textbox');
  await box.fill(question);
  await box.press('Enter');
  await page.waitForFunction(
    (at) => {
      const element = document.querySelectorAll('gemma-chat')[at];
      return element.status === 'ready' && element.messages.at(-1)?.role === 'assistant';
    },
    index,
    READY,
  );
  return page.evaluate((at) => document.querySelectorAll('gemma-chat')[at].messages.at(-1)!.content, index);
}

const greedy = (page: Page) =>
  page.evaluate(() => {
    for (const element of document.querySelectorAll('gemma-chat')) element.temperature = 0;
  });

const stats = (page: Page) =>
  page.evaluate(() => {
    const client = [...document.querySelectorAll('gemma-chat')].map((element) => element.client).find(Boolean);
    return client!.stats();
  });

describe('the demo page', () => {
  let site: Site;
  let context: BrowserContext;
  let first: Page;

  before(async () => {
    site = await openSite();
    context = await site.browser.newContext();
    first = await openDemo(context, site);
  });
  after(() => site?.close());

  it('asks before it loads, with the size and the host', async () => {
    const poster = widget(first, 0);
    const size = `${(statSync('demo/models/gemma-chat-demo.gguf').size / 1e6).toFixed(1)} MB`;
    for (const text of ['gemma-chat-demo.gguf', size, /^localhost/]) await poster.getByText(text).waitFor();
    expect(await first.evaluate(() => document.querySelector('gemma-chat')!.client)).to.equal(null);
  });

  it('loads one model and answers in it', async () => {
    await loadWidget(first, 0);
    await greedy(first);
    const answer = await ask(first, 0, 'How do I put you on my page?');
    expect(answer).to.include('<gemma-chat model-src=').and.to.include('<script type="module"');
  });

  it('gives the second widget, unasked, and the script the same model', async () => {
    const {gpu} = await stats(first);
    await waitForStatus(first, 1, 'ready');
    const answer = await ask(first, 1, 'What is gemma-chat?');
    expect(answer).to.match(/gemma-chat|widget|chat/i);
    await first.getByRole('button', {name: 'Ask from a script'}).click();
    await first.waitForFunction(
      () => document.querySelector('#answer')?.getAttribute('aria-busy') === 'false',
      null,
      READY,
    );
    expect((await first.locator('#answer').textContent())?.length).to.be.greaterThan(10);
    const now = await stats(first);
    expect([now.clients, now.models]).to.deep.equal([3, 1]);
    expect(now.gpu.weightBytes).to.equal(gpu.weightBytes);
  });

  it('shares worker and weights with a second tab', async () => {
    const before = await stats(first);
    const second = await openDemo(context, site);
    const started = Date.now();
    // The visitor has agreed to this model on this site.
    await waitForStatus(second, 0, 'ready');
    await waitForStatus(second, 1, 'ready');
    const joined = Date.now() - started;
    await greedy(second);
    const answer = await ask(second, 0, 'How do I put you on my page?');
    expect(answer).to.include('<gemma-chat model-src=');
    const both = await stats(second);
    expect([both.clients, both.models]).to.deep.equal([5, 1]);
    expect(both.gpu.weightBytes).to.equal(before.gpu.weightBytes);
    // Joining a loaded model downloads and compiles nothing: far under a load, which takes seconds here.
    expect(joined).to.be.lessThan(5000);
    await second.close();
    await first.waitForFunction(
      async () => (await document.querySelector('gemma-chat')!.client!.stats()).clients === 3,
      null,
      {timeout: 10_000},
    );
  });

  it('stops in mid-answer, keeps what came, and answers again', async () => {
    const box = widget(first, 0).getByRole('textbox');
    await box.fill('How do I put you on my page?');
    await box.press('Enter');
    // The second answer to this question, on its way.
    await widget(first, 0)
      .getByRole('article')
      .getByText(/^Add one/)
      .nth(1)
      .waitFor();
    await widget(first, 0).getByRole('button', {name: 'Stop'}).click();
    await waitForStatus(first, 0, 'ready');
    const kept = await first.evaluate(() => document.querySelector('gemma-chat')!.messages.at(-1)!);
    expect(kept.role).to.equal('assistant');
    expect(kept.content).to.match(/^Add/);
    await widget(first, 0).getByRole('button', {name: 'Answer again'}).last().click();
    await first.waitForFunction(
      (length) => {
        const element = document.querySelector('gemma-chat')!;
        return element.status === 'ready' && element.messages.at(-1)!.content.length > length;
      },
      kept.content.length,
      READY,
    );
  });

  it('goes on answering without a network', async () => {
    await context.setOffline(true);
    expect(await ask(first, 1, 'What does a visitor need?')).to.match(/WebGPU/);
    await context.setOffline(false);
  });
});
