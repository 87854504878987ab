// The soak in a real browser: three tabs with ten clients, fifty generations at a time over one SharedWorker, half of them
// stopped at random, while the GPU process crashes, the worker ends, a tab is reloaded and the site's storage is cleared. What
// each prompt has for an answer is asked before: a row has the same bits in any batch.
import type {BrowserContext, CDPSession, Page} from 'playwright-core';
import {openSite} from '../../scripts/lib/browser.mjs';
import {PAGE_SHAPE} from '../../scripts/model-files/gemma4-shapes.ts';
import {generateModel} from '../../scripts/model-files/model.ts';
import {seededRandom} from '../../scripts/model-files/random.ts';
import type {GemmaClient} from '../../src/client/gemma-client.ts';
import {sendBytes} from '../helpers/send-bytes.ts';

/** Clients of each tab. */
const TABS = [4, 3, 3] as const;
const AT_A_TIME = 5;
const PROMPTS = ['the page', 'the page asks', 'a chat on', 'who are you', 'how do I', 'one two three', 'x', 'and then'];
const TOKENS = 12;
/** An emulated GPU compiles for seconds. */
const LOADED_MS = 120_000;

export interface BrowserSoakReport {
  finished: number;
  stopped: number;
  blows: string[];
  /** Wrong texts, and errors that no one asked for. */
  findings: string[];
  /** Megabytes of the tabs' heaps after the first round of blows and at the end. */
  heap: {early: number; late: number};
}

/** What a tab keeps count of. */
interface Tab {
  clients: GemmaClient[];
  finished: number;
  stopped: number;
  findings: string[];
  expected: Record<string, string>;
  ended: boolean;
  done: Promise<unknown> | null;
}

declare global {
  interface Window {
    soak: Tab;
  }
}

/**
 * @param beat called after each blow
 * @param pause milliseconds from one blow to the next
 */
export async function soakInBrowser(
  seconds: number,
  seed: number,
  beat?: (report: BrowserSoakReport) => void,
  pause = 15_000,
): Promise<BrowserSoakReport> {
  const random = seededRandom(seed);
  const model = generateModel({shape: PAGE_SHAPE, type: 'Q8_0'});
  const site = await openSite({
    args: ['--js-flags=--expose-gc'],
    server: {
      handle(request, response) {
        const {url = ''} = request;
        if (url === '/tab')
          response.writeHead(200, {'content-type': 'text/html'}).end('<!doctype html><title>Tab</title>');
        else if (url === '/model.gguf') sendBytes(request, response, model);
        else return false;
        return true;
      },
    },
  });
  const report: BrowserSoakReport = {finished: 0, stopped: 0, blows: [], findings: [], heap: {early: 0, late: 0}};
  try {
    const context = await site.browser.newContext();
    // The transpiler names the functions that are sent to a page, with a helper that is not there.
    await context.addInitScript('globalThis.__name = (value) => value');
    const pages: Page[] = [];
    for (const count of TABS) pages.push(await openTab(context, `${site.url}tab`, count));
    const expected = await answers(pages[0]);
    for (const page of pages) await begin(page, expected, random.u32());
    const cdp = await site.browser.newBrowserCDPSession();
    const blows = blowsOf({cdp, origin: site.url, pages, context, expected, random, report});
    const names = Object.keys(blows);
    const end = performance.now() + seconds * 1000;
    // Each at least once, however slow the machine is.
    for (let i = 0; i < names.length || performance.now() + pause < end; i++) {
      await pages[0].waitForTimeout(pause);
      const name = names[i % names.length];
      if (name === LOSS && report.blows.filter((blow) => blow === LOSS).length === MOST_LOSSES) continue;
      report.blows.push(name);
      await blows[name]();
      if (i % names.length === names.length - 1) {
        const megabytes = await heapOf(pages);
        if (report.heap.early === 0) report.heap.early = megabytes;
        report.heap.late = megabytes;
      }
      beat?.({...report, findings: [...report.findings, ...(await findingsOf(pages))]});
    }
    await pages[0].waitForTimeout(Math.max(0, end - performance.now()));
    for (const page of pages) await collect(page, report);
  } finally {
    await site.close();
  }
  return report;
}

/** A tab with `count` clients whose model is loaded. */
async function openTab(context: BrowserContext, url: string, count: number): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(LOADED_MS);
  await page.goto(url);
  await connect(page, count);
  return page;
}

async function connect(page: Page, count: number): Promise<void> {
  await page.evaluate(async (count) => {
    const entry = '/client.js';
    const module = (await import(entry)) as {GemmaClient: typeof GemmaClient};
    const load = () => module.GemmaClient.load({modelSrc: '/model.gguf', contextLength: 128});
    const clients = await Promise.all(Array.from({length: count}, load));
    const done = null;
    window.soak = {clients, finished: 0, stopped: 0, findings: [], expected: {}, ended: false, done};
  }, count);
}

/** The answer to each prompt, alone. */
const answers = (page: Page): Promise<Record<string, string>> =>
  page.evaluate(
    async ({prompts, tokens}) => {
      const found: Record<string, string> = {};
      for (const prompt of prompts) {
        const options = {prompt, max_tokens: tokens, temperature: 0};
        found[prompt] = (await window.soak.clients[0].completions.create(options)).choices[0].text;
      }
      return found;
    },
    {prompts: PROMPTS, tokens: TOKENS},
  );

/** Keeps `AT_A_TIME` generations a client going until the tab is told to end. */
const begin = (page: Page, expected: Record<string, string>, seed: number): Promise<void> =>
  page.evaluate(
    ({expected, atATime, tokens, seed}) => {
      const tab = window.soak;
      tab.expected = expected;
      let state = seed;
      const below = (n: number): number => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * n);
      };
      const prompts = Object.keys(expected);
      const generation = async (client: GemmaClient): Promise<void> => {
        const prompt = prompts[below(prompts.length)];
        const stopAfter = below(2) === 0 ? 1 + below(tokens) : Number.POSITIVE_INFINITY;
        const abort = new AbortController();
        let text = '';
        try {
          const options = {prompt, max_tokens: tokens, temperature: 0, stream: true, signal: abort.signal} as const;
          let chunks = 0;
          for await (const {choices} of await client.completions.create(options)) {
            text += choices[0].text;
            if (++chunks < stopAfter) continue;
            if (below(2) === 0) break;
            abort.abort();
          }
        } catch (error) {
          const {name, message, code} = error as Error & {code?: string};
          if (!(abort.signal.aborted && name === 'AbortError')) tab.findings.push(`${name} ${code}: ${message}`);
        }
        const whole = text === expected[prompt];
        const right = stopAfter === Number.POSITIVE_INFINITY ? whole : expected[prompt].startsWith(text);
        if (!right) tab.findings.push(`"${prompt}": "${text}", expected "${expected[prompt]}"`);
        if (whole) tab.finished += 1;
        else tab.stopped += 1;
      };
      const keepGoing = async (client: GemmaClient): Promise<void> => {
        // A client whose worker is gone for good would spin.
        while (!tab.ended && tab.findings.length < 50) await generation(client);
      };
      tab.done = Promise.all(tab.clients.flatMap((client) => Array.from({length: atATime}, () => keepGoing(client))));
    },
    {expected, atATime: AT_A_TIME, tokens: TOKENS, seed},
  );

/** Lets a tab finish, and adds what it counted. */
async function collect(page: Page, report: BrowserSoakReport): Promise<void> {
  const {finished, stopped, findings} = await page.evaluate(async () => {
    const tab = window.soak;
    tab.ended = true;
    await tab.done;
    for (const client of tab.clients) client.close();
    const {finished, stopped, findings} = tab;
    return {finished, stopped, findings};
  });
  report.finished += finished;
  report.stopped += stopped;
  report.findings.push(...findings);
}

/** What tabs have found that go on. */
const findingsOf = async (pages: readonly Page[]): Promise<string[]> =>
  (await Promise.all(pages.map((page) => page.evaluate(() => window.soak.findings)))).flat();

const heapOf = async (pages: readonly Page[]): Promise<number> => {
  const bytes = await Promise.all(
    pages.map((page) =>
      page.evaluate(() => {
        (globalThis as {gc?: () => void}).gc?.();
        return (performance as unknown as {memory: {usedJSHeapSize: number}}).memory.usedJSHeapSize;
      }),
    ),
  );
  return bytes.reduce((a, b) => a + b, 0) / 2 ** 20;
};

const LOSS = 'a device is lost';
/** Chromium gives WebGPU up, for all sites, when its GPU process has crashed three times in a short while. */
const MOST_LOSSES = 2;

interface Scene {
  cdp: CDPSession;
  origin: string;
  pages: Page[];
  context: BrowserContext;
  expected: Record<string, string>;
  random: {u32(): number};
  report: BrowserSoakReport;
}

function blowsOf({cdp, origin, pages, context, expected, random, report}: Scene): Record<string, () => Promise<void>> {
  const any = (): number => random.u32() % pages.length;
  return {
    /** The GPU's process, and with it every device. */
    async [LOSS]() {
      await cdp.send('Browser.crashGpuProcess');
    },
    async 'a worker ends'() {
      const {targetInfos} = await cdp.send('Target.getTargets');
      const worker = targetInfos.find(({type}) => type === 'shared_worker');
      if (!worker) throw new Error('there is no shared worker');
      await cdp.send('Target.closeTarget', {targetId: worker.targetId});
    },
    async 'a tab is reloaded'() {
      const i = any();
      await collect(pages[i], report);
      await pages[i].reload();
      await connect(pages[i], TABS[i]);
      await begin(pages[i], expected, random.u32());
    },
    async 'the storage is cleared'() {
      const session = await context.newCDPSession(pages[0]);
      await session.send('Storage.clearDataForOrigin', {origin: new URL(origin).origin, storageTypes: 'all'});
      await session.detach();
      // A tab that comes now finds a site whose worker has been here for long.
      const i = any();
      await collect(pages[i], report);
      await pages[i].close();
      pages[i] = await openTab(context, `${origin}tab`, TABS[i]);
      await begin(pages[i], expected, random.u32());
    },
  };
}
