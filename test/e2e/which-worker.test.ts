// Which worker the tabs of a site come to, and what becomes of them when the tab goes that is host. Scripts of another
// origin are in cdn.test.ts and csp.test.ts; what shared workers do when tabs go is in sharing.test.ts.
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {expect} from 'chai';
import type {BrowserContext, Page} from 'playwright-core';
import {openSite, type Site} from '../../scripts/lib/browser.mjs';
import {PAGE_SHAPE} from '../../scripts/model-files/gemma4-shapes.ts';
import {generateModel} from '../../scripts/model-files/model.ts';
import type {GemmaClient} from '../../src/client/index.ts';
import {PROTOCOL_VERSION} from '../../src/protocol/messages.ts';
import {GatedServer} from '../helpers/gated-server.ts';
import {BLIND_SHARED_WORKER, hide} from '../helpers/worker-ways.ts';

const DIST = path.resolve(import.meta.dirname, '../../dist');
const built = (name: string) => readFileSync(path.join(DIST, name), 'utf8');
/** The model has more to say to this. */
const ANSWER = {prompt: 'How do I', max_tokens: 150, temperature: 0};

declare global {
  interface Window {
    Client: typeof GemmaClient;
    client: GemmaClient;
    text: Promise<string>;
  }
}

const WORKER = '/gemma-chat.worker.js';
const CLIENT = '/client.js';
const NEXT_CLIENT = '/next-client.js';
const SCRIPTS: Record<string, () => string> = {
  '/blind.worker.js': () => BLIND_SHARED_WORKER + built('gemma-chat.worker.js'),
  [NEXT_CLIENT]: () => ofNextVersion(built('client.js')),
};

/** The client of a release whose protocol is another one: in its greeting, and in its worker's address. */
function ofNextVersion(client: string): string {
  const places = [/(version:)\d+(?=,lock)/, /(.gemma-chat.,.)\d+/];
  return places.reduce((text, place) => {
    expect(text).to.match(place);
    return text.replace(place, `$1${PROTOCOL_VERSION + 1}`);
  }, client);
}

describe('which worker', () => {
  const models = new GatedServer();
  let site: Site;
  let context: BrowserContext;

  before(async () => {
    models.files.set('/model.gguf', generateModel({shape: PAGE_SHAPE, type: 'Q8_0'}));
    await models.start();
    site = await openSite({
      server: {
        handle(request, response) {
          const {pathname} = new URL(request.url ?? '/', 'http://x');
          const script = SCRIPTS[pathname]?.();
          if (script) response.writeHead(200, {'content-type': 'text/javascript'}).end(script);
          else if (pathname === '/page') response.writeHead(200, {'content-type': 'text/html'}).end('<!doctype html>');
          return response.writableEnded;
        },
      },
    });
  });
  after(async () => {
    await site?.close();
    await models.stop();
  });
  beforeEach(async () => {
    context = await site.browser.newContext();
  });
  afterEach(() => context.close());

  /** A page that has the built client's class. */
  async function visit(init: string, script = CLIENT): Promise<Page> {
    const page = await context.newPage();
    // The compiler that runs these tests names functions with a helper that the page lacks.
    await page.addInitScript(`globalThis.__name = (f) => f;\n${init}`);
    await page.goto(new URL('/page', site.url).href);
    await page.evaluate(async (script) => {
      window.Client = ((await import(script)) as {GemmaClient: typeof GemmaClient}).GemmaClient;
    }, script);
    return page;
  }

  /** A page with a client. */
  async function open(init = '', workerSrc = WORKER): Promise<Page> {
    const page = await visit(init);
    await page.evaluate(
      async ([modelSrc, workerSrc]) => {
        window.client = await window.Client.load({modelSrc, workerSrc});
      },
      [`${models.url}model.gguf`, workerSrc],
    );
    return page;
  }

  /** Begins an answer, which goes on in the page. */
  const begin = (page: Page) =>
    page.evaluate((params) => {
      window.text = window.client.completions.create(params).then(({choices}) => choices[0].text);
    }, ANSWER);

  const answer = (page: Page): Promise<string> => page.evaluate(() => window.text);

  const stats = (page: Page) => page.evaluate(() => window.client.stats());

  type Stats = Awaited<ReturnType<typeof stats>>;
  /** Asks until the worker says so. (`waitForFunction` would take a promise for a yes.) */
  async function until(page: Page, holds: (stats: Stats) => boolean): Promise<Stats> {
    for (;;) {
      const found = await stats(page);
      if (holds(found)) return found;
      await page.waitForTimeout(10);
    }
  }

  /** Dedicated workers of each page. */
  const workers = (pages: Page[]) => pages.map((page) => page.workers().length);

  /** The code of what a page of another release is told that comes to this release's script. */
  const nextRelease = (page: Page) =>
    page.evaluate(
      ([modelSrc, workerSrc]) =>
        window.Client.load({modelSrc, workerSrc}).then(
          () => 'no error',
          (error) => error.code,
        ),
      [`${models.url}model.gguf`, WORKER],
    );

  interface Way {
    /** Runs before the page's scripts. */
    init?: string;
    workerSrc?: string;
    shared: boolean;
    /** Dedicated workers of two tabs, and of a third of another release. */
    dedicated: [one: number, two: number, next: number];
  }
  const ways: Record<string, Way> = {
    'a shared worker where there are any': {shared: true, dedicated: [0, 0, 0]},
    'an elected tab’s where there are no shared workers': {
      init: hide('SharedWorker'),
      shared: true,
      dedicated: [1, 0, 1],
    },
    'an elected tab’s where shared workers have no WebGPU': {
      workerSrc: '/blind.worker.js',
      shared: true,
      dedicated: [1, 0, 0],
    },
    'one a page where there are no Web Locks either': {
      init: hide('SharedWorker', 'locks'),
      shared: false,
      dedicated: [1, 1, 0],
    },
  };
  for (const [name, {init = '', workerSrc = WORKER, shared, dedicated}] of Object.entries(ways)) {
    it(`is ${name}; pages of another release do not come to it, and say why`, async () => {
      const pages = [await open(init, workerSrc), await open(init, workerSrc), await visit(init, NEXT_CLIENT)];
      expect(await nextRelease(pages[2])).to.equal('protocol-mismatch');
      expect(await pages[1].evaluate(() => window.client.shared)).to.equal(shared);
      expect((await stats(pages[1])).clients).to.equal(shared ? 2 : 1);
      expect(workers(pages)).to.deep.equal(dedicated);
    });
  }

  describe('of an elected tab', () => {
    const elected = () => open(hide('SharedWorker'));
    let alone: string;

    before(async () => {
      context = await site.browser.newContext();
      const page = await elected();
      await begin(page);
      alone = await answer(page);
      await context.close();
    });

    /** Three tabs, the first of them host, that all answer; once they do, something happens to the first. */
    async function others(happen: (host: Page) => Promise<unknown>): Promise<Page[]> {
      const [host, ...rest] = [await elected(), await elected(), await elected()];
      const before = await stats(host);
      expect(workers([host, ...rest])).to.deep.equal([1, 0, 0]);
      await Promise.all([host, ...rest].map(begin));
      const during = await until(host, ({batch}) => batch.running === 3 && batch.decodeRows === 3);
      expect([during.clients, during.models]).to.deep.equal([3, 1]);
      expect(during.gpu.weightBytes).to.equal(before.gpu.weightBytes);
      await happen(host);
      expect(await Promise.all(rest.map(answer))).to.deep.equal([alone, alone]);
      return rest;
    }

    const ends: [what: string, end: (host: Page) => Promise<unknown>, left: number][] = [
      ['is closed', (host) => host.close(), 2],
      ['crashes', (host) => host.goto('chrome://crash').catch(() => undefined), 2],
      // A headless browser freezes no page. This is what a page hears first, by an event that does not bubble; nothing
      // stops this one afterwards, so that it joins the others.
      ['is to be frozen', (host) => host.evaluate(() => document.dispatchEvent(new Event('freeze'))), 3],
    ];
    for (const [what, end, left] of ends) {
      it(`answers of the others go on in the next one when it ${what}, word for word`, async () => {
        const rest = await others(end);
        const next = rest.filter((page) => workers([page])[0] === 1);
        expect(next.length).to.equal(1);
        await until(rest[0], ({clients}) => clients === left);
        expect((await stats(rest[0])).models).to.equal(1);
      });
    }

    it('loads a file that was chosen in another tab', async () => {
      const pages = [await visit(hide('SharedWorker')), await visit(hide('SharedWorker'))];
      await pages[0].evaluate((workerSrc) => window.Client.models.list({workerSrc}), WORKER);
      const fileSize = await pages[1].evaluate(
        async ([url, workerSrc]) => {
          const modelSrc = new File([await (await fetch(url)).blob()], 'mine.gguf');
          return (await window.Client.load({modelSrc, workerSrc})).model.fileSize;
        },
        [`${models.url}model.gguf`, WORKER],
      );
      expect(fileSize).to.equal(models.files.get('/model.gguf')?.length);
      expect(workers(pages)).to.deep.equal([1, 0]);
    });
  });
});
