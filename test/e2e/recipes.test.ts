// The recipes that need no bundler, word for word: the pages of docs/recipes/ over the built files, laid out as they say.
import {readFileSync} from 'node:fs';
import {expect} from 'chai';
import type {BrowserContext, Page} from 'playwright-core';
import {openSite, type Site} from '../../scripts/lib/browser.mjs';
import type {ChatMessage} from '../../src/protocol/messages.ts';

const READY = {timeout: 120_000};

const recipe = (name: string): string[] =>
  [...readFileSync(`docs/recipes/${name}.md`, 'utf8').matchAll(/```html\n([\s\S]*?)```/g)].map(([, code]) => code);
const [PLAIN, LAUNCHER, PAGE_TEXT] = recipe('plain');
const [STRICT] = recipe('strict-csp');

const PAGES: Record<string, string> = {
  '/plain': PLAIN.replace('</body>', `<main>Open from nine to five.</main>${PAGE_TEXT}</body>`),
  '/launcher': `<!doctype html><html lang="en"><title>Launcher</title>${LAUNCHER}</html>`,
  '/strict': STRICT,
};

/** Asks, and gives what the model read. A visitor who has agreed before is not asked again. */
async function ask(page: Page, agreed = false): Promise<ChatMessage[]> {
  if (!agreed) await page.getByRole('button', {name: 'Load the model'}).click();
  await page.waitForFunction(() => document.querySelector('gemma-chat')!.status === 'ready', null, READY);
  return page.evaluate(async () => {
    const chat = document.querySelector('gemma-chat')!;
    let sent: ChatMessage[] = [];
    chat.addEventListener('gemma-chat-send', (event) => {
      sent = event.detail.messages;
    });
    chat.maxTokens = 2;
    const {content} = await chat.send('What is gemma-chat?');
    return [...sent, {role: 'assistant', content}];
  });
}

describe('recipes', () => {
  let site: Site;
  let context: BrowserContext;

  before(async () => {
    site = await openSite({
      server: {
        handle(request, response) {
          const html = PAGES[request.url ?? ''];
          if (html !== undefined) response.writeHead(200, {'content-type': 'text/html'}).end(html);
          if (request.url === '/site.css') response.writeHead(200, {'content-type': 'text/css'}).end();
          // Where the recipes have the package's files and the model.
          request.url = request.url
            ?.replace(/^\/gemma-chat\//, '/')
            .replace('/models/gemma.gguf', '/demo/models/gemma-chat-demo.gguf');
          return response.writableEnded;
        },
      },
    });
    context = await site.browser.newContext();
  });
  after(() => site?.close());

  async function open(path: string): Promise<Page> {
    const page = await context.newPage();
    page.on('pageerror', (error) => {
      throw error;
    });
    await page.goto(new URL(path, site.url).href);
    return page;
  }

  it('a plain page answers, and reads what the page says', async () => {
    const read = await ask(await open('/plain'));
    expect(read.map(({role}) => role)).to.deep.equal(['system', 'system', 'user', 'assistant']);
    expect(read[0].content).to.equal('The page says: Open from nine to five.');
    expect(read.at(-1)?.content).not.to.equal('');
  });

  it('a launcher opens and answers', async () => {
    const page = await open('/launcher');
    await page.locator('gemma-chat').getByRole('button').click();
    expect((await ask(page, true)).at(-1)?.content).not.to.equal('');
  });

  it('a page under a strict policy answers', async () => {
    expect((await ask(await open('/strict'), true)).at(-1)?.content).not.to.equal('');
  });
});
