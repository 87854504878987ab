// The store in a real browser that does not live to see the end: tabs closed and browsers killed in mid-block, and two
// tabs that begin at once. The store alone, with small blocks: what it does with a GPU is in model-loading.test.ts.
import {createHash} from 'node:crypto';
import path from 'node:path';
import {expect} from 'chai';
import type {BrowserContext, Page} from 'playwright-core';
import {build} from 'vite';
import {type Server, serve} from '../../scripts/lib/serve.mjs';
import {seededRandom} from '../../scripts/model-files/random.ts';
import {GatedServer, type Sent} from '../helpers/gated-server.ts';
import {KillableBrowser} from '../helpers/killable-browser.ts';
import type {StoreReply, StoreRequest} from '../helpers/store-worker.ts';

const root = path.resolve(import.meta.dirname, '../..');
const BLOCK = 64 * 1024;
const KILLS = 20;
// Blocks enough for every kill, and no whole number of them.
const SIZE = 128 * BLOCK + 777;
const random = seededRandom(20);
const file = Uint8Array.from({length: SIZE}, () => random.u32() % 256);
const hash = createHash('sha256').update(file).digest('hex');

declare global {
  interface Window {
    replies: StoreReply[];
  }
}

async function bundleWorker(): Promise<string> {
  const built = await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2022',
      lib: {entry: path.join(root, 'test/helpers/store-worker.ts'), formats: ['es'], fileName: () => 'worker.js'},
    },
  });
  const [{output}] = built as {output: {code?: string}[]}[];
  return output[0].code ?? '';
}

/** What was sent although a manifest had named its block before. */
function sentAgain(sent: readonly Sent[], stored: readonly number[]): number[] {
  return stored.filter((index) => {
    const [from, to] = [index * BLOCK, Math.min((index + 1) * BLOCK, SIZE)];
    return sent.some(({start, end}) => start < to && end > from);
  });
}

describe('a download whose browser does not live to see the end', () => {
  const models = new GatedServer();
  const browser = new KillableBrowser();
  let site: Server;
  let context: BrowserContext;

  before(async () => {
    const worker = await bundleWorker();
    site = await serve({
      root,
      handle(request, response) {
        const isWorker = request.url?.startsWith('/worker.js');
        const type = isWorker ? 'text/javascript' : 'text/html';
        response.writeHead(200, {'content-type': type}).end(isWorker ? worker : '<!doctype html><title>page</title>');
        return true;
      },
    });
    await models.start();
    context = await browser.start();
  });
  after(async () => {
    await browser.remove();
    await models.stop();
    await site?.close();
  });

  /** Begins the download in a new tab. */
  async function begin(name: string): Promise<Page> {
    const page = await context.newPage();
    await page.goto(site.url);
    const request: StoreRequest = {url: new URL(name, models.url).href, blockBytes: BLOCK};
    await page.evaluate((message) => {
      window.replies = [];
      // A dedicated worker ends with its page; a shared one may outlive it for a moment.
      const worker = new Worker('/worker.js', {type: 'module'});
      worker.addEventListener('message', ({data}) => window.replies.push(data));
      worker.postMessage(message);
    }, request);
    return page;
  }

  async function reply<T extends StoreReply['type']>(page: Page, type: T): Promise<Extract<StoreReply, {type: T}>> {
    const found = await page.waitForFunction(
      (wanted) => window.replies.find((each) => each.type === wanted || each.type === 'error'),
      type,
      {timeout: 30_000},
    );
    const value = (await found.jsonValue()) as StoreReply;
    if (value.type === 'error' && type !== 'error') throw new Error(value.message);
    return value as Extract<StoreReply, {type: T}>;
  }

  it(`is killed ${KILLS} times in mid-block, and fetches no block twice that it had stored`, async () => {
    models.files.set('/killed.bin', file);
    let known: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      models.forget();
      // Between a quarter of a block and six: some kills come before a block is whole, some after.
      const exhausted = models.allow(BLOCK / 4 + (random.u32() % (6 * BLOCK)));
      const page = await begin('killed.bin');
      const {named, blocks} = await reply(page, 'stored');
      await exhausted;
      expect(sentAgain(models.sent, blocks), `kill ${kill}: stored blocks that were sent`).to.deep.equal([]);
      expect(blocks, `kill ${kill}: what was stored before is still there`).to.include.members(known);
      // Names come after their files, and go nowhere with a tab. A killed browser may lose names and files of this run: its
      // list of files is a log that, torn by one kill and written on, is read up to the tear after the next.
      if (kill % 2 === 1) expect(blocks, `kill ${kill}: files of what is named`).to.deep.equal(named);
      known = kill % 2 === 0 ? blocks : [];
      // Wherever the worker is by now with what came.
      await new Promise((resolve) => setTimeout(resolve, random.u32() % 120));
      if (kill % 2 === 0) {
        await page.close();
      } else {
        await browser.kill();
        context = await browser.start();
      }
    }
    models.forget();
    models.budget = Number.POSITIVE_INFINITY;
    const page = await begin('killed.bin');
    const {blocks} = await reply(page, 'stored');
    const done = await reply(page, 'done');
    await page.close();
    expect(blocks.length, 'blocks that outlived the kills').to.be.above(3);
    expect(sentAgain(models.sent, blocks)).to.deep.equal([]);
    expect(models.sentBytes).to.be.at.most(SIZE - blocks.length * BLOCK + BLOCK);
    expect([done.sha256, done.storedBytes]).to.deep.equal([hash, SIZE]);
  });

  it('is whole for good: nothing that is there is fetched after yet another kill', async () => {
    await browser.kill();
    context = await browser.start();
    models.forget();
    const page = await begin('killed.bin');
    const {blocks} = await reply(page, 'stored');
    expect((await reply(page, 'done')).sha256).to.equal(hash);
    await page.close();
    expect(sentAgain(models.sent, blocks)).to.deep.equal([]);
    models.forget();
    const again = await begin('killed.bin');
    expect((await reply(again, 'done')).sha256).to.equal(hash);
    await again.close();
    expect(models.sentBytes).to.equal(0);
  });

  it('two tabs with workers of their own begin at once: each has the file, and it is fetched once', async () => {
    models.files.set('/two.bin', file);
    models.forget();
    models.budget = Number.POSITIVE_INFINITY;
    const pages = await Promise.all([begin('two.bin'), begin('two.bin')]);
    for (const page of pages) {
      const done = await reply(page, 'done');
      expect([done.sha256, done.storedBytes]).to.deep.equal([hash, SIZE]);
      await page.close();
    }
    // Each asks for the first block when it opens the file, to learn which it is.
    expect(models.sentBytes).to.be.at.most(SIZE + BLOCK);
  });
});
