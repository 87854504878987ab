// A model's way into the element in a real browser: nothing before consent, on after a lost network, from the disk at
// the second visit, from an Ollama, in parts, and deleted under a running engine.
import {createHash} from 'node:crypto';
import path from 'node:path';
import {expect} from 'chai';
import type {Browser, BrowserContext, Page} from 'playwright-core';
import {launch} from '../../scripts/lib/browser.mjs';
import {type Server, serve} from '../../scripts/lib/serve.mjs';
import {generateModel} from '../../scripts/model-files/model.ts';
import {serveOllama} from '../../scripts/serve-ollama/server.mjs';
import type {GemmaClient} from '../../src/client/index.ts';
import {splitModel} from '../fixtures/split-model.ts';
import {GatedServer} from '../helpers/gated-server.ts';
import {ollamaFolder} from '../helpers/ollama-folder.ts';

const HEAD = 64 * 1024;
const READY = {timeout: 60_000};
const model = generateModel({type: 'F32'});
const sha256 = createHash('sha256').update(model).digest();

describe('a model’s way into the element', () => {
  const models = new GatedServer();
  let site: Server;
  let browser: Browser;
  let context: BrowserContext;

  before(async () => {
    site = await serve({
      root: path.resolve(import.meta.dirname, '../../dist'),
      handle(request, response) {
        if (!request.url?.startsWith('/page')) return false;
        response.writeHead(200, {'content-type': 'text/html'});
        response.end('<!doctype html><title>page</title><script type="module" src="/gemma-chat.js"></script>');
        return true;
      },
    });
    await models.start();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await models.stop();
    await site?.close();
  });
  // A context has a disk of its own.
  beforeEach(async () => {
    context = await browser.newContext();
    models.files.clear();
    models.files.set('/model.gguf', model);
    models.forget();
    models.budget = Number.POSITIVE_INFINITY;
  });
  afterEach(() => context.close());

  /** A page with a chat for the model at `src`. */
  async function open(src: string, attributes: Record<string, string> = {}): Promise<Page> {
    const page = await context.newPage();
    await page.addInitScript('globalThis.__name = (f) => f');
    await page.goto(`${site.url}page`);
    await page.evaluate(
      async ([modelSrc, more]) => {
        await customElements.whenDefined('gemma-chat');
        const chat = document.createElement('gemma-chat');
        for (const [name, value] of Object.entries(more)) chat.setAttribute(name, value);
        chat.setAttribute('model-src', modelSrc);
        chat.temperature = 0;
        document.body.append(chat);
      },
      [src, attributes] as const,
    );
    return page;
  }
  const button = (page: Page, name: string) => page.getByRole('button', {name, exact: true});
  const status = (page: Page, wanted: string) =>
    page.waitForFunction((s) => document.querySelector('gemma-chat')!.status === s, wanted, READY);
  const facts = (page: Page) => page.locator('gemma-chat [part=facts]');
  const answer = (page: Page) =>
    page.evaluate(async () => {
      const client = document.querySelector('gemma-chat')!.client!;
      const {usage} = await client.completions.create({prompt: 'the page', max_tokens: 3});
      return usage.completion_tokens;
    });

  it('fetches the beginning of the header before consent, then the rest, once', async () => {
    const page = await open(new URL('model.gguf', models.url).href);
    await facts(page).getByText('Random Gemma 4').waitFor();
    await facts(page)
      .getByText(/^localhost:/)
      .waitFor();
    expect(models.sent.map(({start, end}) => [start, end])).to.deep.equal([[0, HEAD]]);
    await button(page, 'Load the model').click();
    await status(page, 'ready');
    expect(await answer(page)).to.be.within(1, 3);
    // The head once more: the load asks which file it is.
    expect(models.sentBytes).to.be.at.most(model.length + HEAD);
  });

  it('goes on by itself after the network was lost, and says what is true', async () => {
    const page = await open(new URL('model.gguf', models.url).href);
    await facts(page).getByText('Random Gemma 4').waitFor();
    models.forget();
    const half = models.allow(HEAD + Math.floor(model.length / 2));
    await button(page, 'Load the model').click();
    await half;
    await context.setOffline(true);
    await models.stop();
    expect(await page.evaluate(() => document.querySelector('gemma-chat')!.status)).to.equal('downloading');
    models.budget = Number.POSITIVE_INFINITY;
    await models.start();
    await context.setOffline(false);
    await status(page, 'ready');
    expect(await answer(page)).to.be.within(1, 3);
    // What is sent in vain when a network goes and comes is on the wire, where the server cannot tell: that no block is
    // fetched again that was stored is shown in killed.test.ts, against the disk.
    expect(models.sentBytes).to.be.at.least(model.length);
  });

  it('loads from the disk at the second visit, without a network; eagerly too', async () => {
    const src = new URL('model.gguf', models.url).href;
    const first = await open(src, {loading: 'eager', consent: 'given'});
    await status(first, 'ready');
    await first.close();
    await models.stop();
    try {
      const second = await open(src);
      await facts(second).getByText('already on this device').waitFor();
      await button(second, 'Load the model').click();
      await status(second, 'ready');
      expect(await answer(second)).to.be.within(1, 3);
      await second.close();
      // No one has to be asked for what is here.
      const third = await open(src, {loading: 'eager'});
      await status(third, 'ready');
    } finally {
      await models.start();
    }
  });

  it('goes on answering when its file is deleted, and asks again at the next visit', async () => {
    const src = new URL('model.gguf', models.url).href;
    const page = await open(src, {loading: 'eager', consent: 'given'});
    await status(page, 'ready');
    const stored = await page.evaluate(async () => {
      const name = '/client.js';
      const {GemmaClient: Client} = (await import(name)) as {GemmaClient: typeof GemmaClient};
      const before = await Client.models.list();
      await document.querySelector('gemma-chat')!.removeModel();
      return [before.models.map(({complete}) => complete), (await Client.models.list()).models.length];
    });
    expect(stored).to.deep.equal([[true], 0]);
    expect(await answer(page)).to.be.within(1, 3);
    await page.close();
    models.forget();
    const next = await open(src, {loading: 'eager'});
    await facts(next).getByText('Random Gemma 4').waitFor();
    expect(await facts(next).textContent()).not.to.include('already');
    expect(await next.evaluate(() => document.querySelector('gemma-chat')!.status)).to.equal('consent');
  });

  it('takes a split model by its first part, keeps each part, and counts them as one', async () => {
    const parts = await splitModel(model, 2);
    for (const [i, part] of parts.entries()) models.files.set(`/m-0000${i + 1}-of-00002.gguf`, part);
    const page = await open(new URL('m-00001-of-00002.gguf', models.url).href);
    await button(page, 'Load the model').click();
    await status(page, 'ready');
    const sizes = await page.evaluate(async () => {
      const name = '/client.js';
      const {GemmaClient: Client} = (await import(name)) as {GemmaClient: typeof GemmaClient};
      return (await Client.models.list()).models.map(({size, complete}) => [size, complete] as const);
    });
    const bySize = (a: number, b: number) => a - b;
    expect(sizes.map(([size]) => size).sort(bySize)).to.deep.equal(parts.map(({length}) => length).sort(bySize));
    expect(sizes.every(([, complete]) => complete)).to.equal(true);
    expect(await answer(page)).to.be.within(1, 3);
  });

  it('checks the hash that the page names, and keeps nothing of another file', async () => {
    const src = new URL('model.gguf', models.url).href;
    const right = await open(src, {
      loading: 'eager',
      consent: 'given',
      integrity: `sha256-${sha256.toString('base64')}`,
    });
    await status(right, 'ready');
    await right.close();
    await context.close();
    context = await browser.newContext();
    const wrong = await open(src, {loading: 'eager', consent: 'given', integrity: `sha256-${'0'.repeat(64)}`});
    await status(wrong, 'error');
    await wrong.locator('gemma-chat').getByText('not the one this page asks for').waitFor();
    const left = await wrong.evaluate(async () => {
      const name = '/client.js';
      const {GemmaClient: Client} = (await import(name)) as {GemmaClient: typeof GemmaClient};
      return (await Client.models.list()).models.length;
    });
    expect(left).to.equal(0);
  });

  it('loads a model of an Ollama from this computer, and checks it against Ollama’s digest', async () => {
    const ollama = ollamaFolder();
    ollama.add('registry.ollama.ai/library/tiny/latest', model);
    const server = await serveOllama({models: ollama.folder});
    try {
      const page = await open(`${server.url}tiny:latest`);
      await button(page, 'Load the model').click();
      await status(page, 'ready');
      expect(await answer(page)).to.be.within(1, 3);
      const whole = await page.evaluate(async () => {
        const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('gemma-chat');
        for await (const [, handle] of folder.entries()) {
          const model = handle as FileSystemDirectoryHandle;
          const manifest = await (await model.getFileHandle('manifest.json')).getFile();
          return (JSON.parse(await manifest.text()) as {sha256: string | null}).sha256;
        }
        return null;
      });
      expect(whole).to.equal(sha256.toString('hex'));
    } finally {
      await server.close();
      ollama.remove();
    }
  });
});
