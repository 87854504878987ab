// Tabs with two chats each in a real browser, driven from outside: opened, asked, and what their worker says of itself.
import type {BrowserContext, Page} from 'playwright-core';
import {openSite, type Site} from '../../scripts/lib/browser.mjs';
import {PAGE_SHAPE} from '../../scripts/model-files/gemma4-shapes.ts';
import {generateModel} from '../../scripts/model-files/model.ts';
import {sendBytes} from './send-bytes.ts';

export const QUESTIONS = ['How do I put you on my page?', 'Who are you?'];
const MAX_TOKENS = 64;
/** More than a page of tokens, so that all have one in common. */
const SYSTEM = 'You answer questions about gemma-chat, which puts a private chat on any web page. '.repeat(3).trim();

const PAGE = `<!doctype html><meta charset="utf-8"><title>Chats</title>
<script type="module" src="/gemma-chat.js"></script>
${QUESTIONS.map(
  () =>
    `<gemma-chat model-src="/model.gguf" loading="eager" consent="given" temperature="0" system-prompt="${SYSTEM}" max-tokens="${MAX_TOKENS}"></gemma-chat>`,
).join('\n')}`;
const ELSEWHERE = '<!doctype html><meta charset="utf-8"><title>Elsewhere</title>';

export interface ChatSite extends Site {
  /** How often the model's file was asked for. */
  readonly modelRequests: number;
}

/** Serves dist/, the page with two chats at /chats and one without any at /elsewhere. */
export async function openChatSite(options: {backForwardCache?: boolean} = {}): Promise<ChatSite> {
  const pages: Partial<Record<string, string>> = {'/chats': PAGE, '/elsewhere': ELSEWHERE};
  const model = generateModel({shape: PAGE_SHAPE, type: 'Q8_0'});
  let modelRequests = 0;
  const site = await openSite({
    ...options,
    server: {
      handle(request, response) {
        const {url = ''} = request;
        const page = pages[url];
        if (page) response.writeHead(200, {'content-type': 'text/html'}).end(page);
        if (url !== '/model.gguf') return page !== undefined;
        modelRequests += 1;
        sendBytes(request, response, model);
        return true;
      },
    },
  });
  return Object.defineProperty(site as ChatSite, 'modelRequests', {get: () => modelRequests});
}

/** A tab with two chats, ready. */
export async function openChats(context: BrowserContext, site: Site): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${site.url}chats`);
  await ready(page);
  return page;
}

/** An emulated GPU on a busy machine takes its time to compile the kernels. */
const LOADED_MS = 120_000;

export const ready = (page: Page) =>
  page.waitForFunction(
    () =>
      [...document.querySelectorAll('gemma-chat')].every(({status, client}) => status === 'ready' && client !== null),
    undefined,
    {timeout: LOADED_MS},
  );

/** Asks in all chats of the page at once. */
export const ask = (page: Page): Promise<string[]> =>
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

export const stats = (page: Page) => page.evaluate(() => document.querySelector('gemma-chat')!.client!.stats());

export type Stats = Awaited<ReturnType<typeof stats>>;

/** Asks until the worker says so. (`waitForFunction` would take a promise for a yes.) */
export async function until(page: Page, holds: (stats: Stats) => boolean): Promise<Stats> {
  for (;;) {
    const found = await stats(page);
    if (holds(found)) return found;
    await page.waitForTimeout(20);
  }
}

/** Until that many answers are in the making, in all tabs together. */
export const answering = (page: Page, count: number) =>
  until(page, ({batch}) => batch.running >= count && batch.decodeRows > 1);

/** Pages of keys and values that someone uses. */
export const pagesUsed = ({gpu: {kvPages}}: Stats): number => kvPages.full.used + kvPages.sliding.used;
