// The demo site, page by page, under the policy of docs/csp.md: each opens without an error or a refusal, passes axe,
// fits a narrow screen, and does what it is there for.
import {readdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {expect} from 'chai';
import type {BrowserContext, Page} from 'playwright-core';
import {openSite, type Site} from '../../scripts/lib/browser.mjs';

const READY = {timeout: 120_000};
const require = createRequire(import.meta.url);
const AXE = readFileSync(createRequire(require.resolve('chai-a11y-axe')).resolve('axe-core/axe.min.js'), 'utf8');
/** The policy of the chat, and what pages of one's own need: style sheets and an icon. */
const POLICY = `${readFileSync('docs/csp.md', 'utf8')
  .match(/```csp\n([^`]+)```/)![1]
  .replaceAll('\n', ' ')
  .trim()}; style-src 'self'; img-src 'self'`;
const NARROWEST = 320;

const text = (page: Page, selector: string) => page.locator(selector).textContent();

/** Asks the docs, which no model answers, and follows nothing. */
async function expectPassage(page: Page, chat: string): Promise<void> {
  const input = page.locator(chat).getByRole('textbox');
  await input.fill('How do I host the model file?');
  await input.press('Enter');
  const source = page.locator(chat).locator('[part~=source-link]').first();
  await source.waitFor();
  expect(await source.getAttribute('href')).to.match(/\/demo\/docs\/\w+\.html#/);
}

/** One thing that each page is there for. */
const ACTIONS: Record<string, (page: Page) => Promise<void>> = {
  async index(page) {
    await page.locator('gemma-chat').first().getByRole('button', {name: 'Load the model'}).waitFor();
    await page.getByRole('link', {name: 'Sharing'}).first().waitFor();
    await expectPassage(page, 'gemma-chat[knowledge-src]');
  },
  async 'docs/index'(page) {
    await page.getByRole('button', {name: 'Ask the docs'}).click();
    await expectPassage(page, 'gemma-chat');
  },
  async playground(page) {
    await page.getByLabel('Label', {exact: true}).fill('Ask "us"');
    await page.getByLabel('Theme').selectOption('brand');
    await page.getByLabel('Corners').fill('2');
    await page.getByLabel('Show the speed').check();
    const code = await text(page, '#code');
    expect(code).to.include('label="Ask &quot;us&quot;"').and.to.include('\n  show-speed');
    expect(code).to.include('themes/brand.css').and.to.include('--gemma-chat-radius: 2em;');
    expect(code).not.to.include('display=').and.not.to.include('loading=');
    await page.locator('gemma-chat').getByText('Ask "us"').waitFor();
    // The address is the settings.
    await page.goto('about:blank');
    await page.goBack();
    expect(await text(page, '#code')).to.equal(code);
    await page.getByLabel('Shape').selectOption('launcher');
    await page.getByText('stands in the corner of this window').waitFor();
    await page.locator('gemma-chat [part~=launcher-button]').waitFor();
    await page.getByRole('button', {name: 'Back to the beginning'}).click();
    expect(await text(page, '#code')).not.to.include('show-speed');
  },
  async events(page) {
    const load = page.getByRole('button', {name: 'Load the model'});
    await load.click();
    await page.getByLabel('Refuse what is sent').check();
    await page.waitForFunction(() => document.querySelector('gemma-chat')!.status === 'ready', null, READY);
    await page.getByRole('textbox').fill('Hello');
    await page.getByRole('textbox').press('Enter');
    const names = page.locator('#events th');
    await names.filter({hasText: 'gemma-chat-send'}).waitFor();
    expect(await names.allTextContents())
      .to.include.members(['load', 'gemma-chat-status', 'gemma-chat-send'])
      .and.not.to.include('gemma-chat-message');
  },
  async theming(page) {
    const font = () =>
      page.evaluate(() =>
        getComputedStyle(document.querySelector('gemma-chat')!).getPropertyValue('--gemma-chat-font'),
      );
    expect(await font()).to.equal('');
    await page.getByLabel('Terminal').check();
    await page.waitForFunction(() =>
      getComputedStyle(document.querySelector('gemma-chat')!).getPropertyValue('--gemma-chat-font').includes('mono'),
    );
    await page.getByLabel('No header').check();
    await page.locator('gemma-chat').locator('[part~=header]').waitFor({state: 'hidden'});
    expect(await text(page, '#css'))
      .to.include("@import 'themes/terminal.css'")
      .and.to.include('::part(header)');
  },
  async several(page) {
    await page.getByRole('button', {name: 'Add a chat'}).click();
    await page.locator('#chats gemma-chat').nth(2).getByRole('button', {name: 'Load the model'}).waitFor();
    await page.getByRole('button', {name: 'Remove the last one'}).click();
    expect(await text(page, '#count')).to.equal('2 chats here');
  },
  async client(page) {
    await page.getByRole('button', {name: 'Load the model'}).click();
    const tokens = page.getByRole('button', {name: 'Tokens'});
    await page.waitForFunction(() => !document.querySelector<HTMLButtonElement>('button[value=tokens]')!.disabled);
    await tokens.click();
    await page.locator('#output[aria-busy=false]').waitFor();
    expect(await text(page, '#output')).to.match(/^\d+\s+"/);
  },
  async 'own-ui'(page) {
    await page.getByLabel('Message').fill('What is gemma-chat?');
    await page.getByLabel('Message').press('Enter');
    await page.locator('#turns p').nth(1).getByText(/./).waitFor(READY);
    // A short answer may have ended by itself: then the button does nothing.
    await page.evaluate(() => document.querySelector<HTMLButtonElement>('#stop')!.click());
    await page.locator('#turns p[aria-busy=false]').waitFor();
    await page
      .locator('#state')
      .getByText(/Ready|Stopped/)
      .waitFor();
  },
  async sharing(page) {
    await page.getByLabel('How many at once').fill('2');
    await page.getByLabel('with the same long page').uncheck();
    await page.getByRole('button', {name: 'Start', exact: true}).click();
    await page.locator('#answers li:is([data-state=answering], [data-state^=done])').nth(1).waitFor(READY);
    await page.locator('#pages .bar').first().waitFor();
    await page.getByRole('button', {name: 'Stop all'}).click();
  },
};

async function axe(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const {violations} = await (globalThis as unknown as {axe: typeof import('axe-core')}).axe.run();
    return violations.map(({id, nodes}) => `${id}: ${nodes.map(({html}) => html).join(' ')}`);
  });
}

describe('the demo site', () => {
  let site: Site;
  let context: BrowserContext;

  before(async () => {
    site = await openSite({server: {headers: {'content-security-policy': POLICY}}});
    context = await site.browser.newContext({viewport: {width: 1280, height: 800}});
  });
  after(() => site?.close());

  it('has something to do on every page', () => {
    const pages = readdirSync('dist/demo').filter((name) => name.endsWith('.html'));
    const actions = Object.keys(ACTIONS).filter((name) => !name.includes('/'));
    expect(pages.map((name) => name.replace('.html', ''))).to.have.members(actions);
  });

  for (const [name, act] of Object.entries(ACTIONS)) {
    it(`${name}: opens, is accessible, fits, and works`, async () => {
      const page = await context.newPage();
      const wrong: string[] = [];
      page.on('pageerror', ({message}) => wrong.push(message));
      page.on('console', (message) => {
        if (message.type() === 'error') wrong.push(message.text());
      });
      await page.goto(`${site.url}demo/${name}.html`);
      const here = page.locator('nav [aria-current=page]');
      expect(await here.getAttribute('href')).to.match(new RegExp(`(^|/)${name}\\.html$`));
      await act(page);
      expect(await axe(page)).to.deep.equal([]);
      await page.setViewportSize({width: NARROWEST, height: 640});
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).to.equal(NARROWEST);
      expect(wrong).to.deep.equal([]);
      // It stays open: the pages that follow join its model.
    });
  }
});
