// GemmaClient in a real browser: the built client and worker, real ports, real WebGPU, a generated model. What needs no
// browser is in test/unit/client.
import type {IncomingMessage, ServerResponse} from 'node:http';
import path from 'node:path';
import {expect} from 'chai';
import type {Browser, BrowserContext, Page} from 'playwright-core';
import {launch} from '../../scripts/lib/browser.mjs';
import {type Server, serve} from '../../scripts/lib/serve.mjs';
import {PAGE_SHAPE} from '../../scripts/model-files/gemma4-shapes.ts';
import {generateModel} from '../../scripts/model-files/model.ts';
import type {GemmaClient} from '../../src/client/index.ts';
import {sendBytes} from '../helpers/send-bytes.ts';

const root = path.resolve(import.meta.dirname, '../..');

const model = generateModel({shape: PAGE_SHAPE, type: 'Q8_0'});
const wrongVersion = model.slice();
new DataView(wrongVersion.buffer).setUint32(4, 9, true);
const foreign = model.slice();
// The first value is general.architecture's: the same length, another name.
const at = Buffer.from(foreign.buffer).indexOf('gemma4', Buffer.from(foreign.buffer).indexOf('general.architecture'));
foreign.set(Buffer.from('gemma9'), at);

const files: Record<string, Uint8Array> = {
  '/model.gguf': model,
  '/other.gguf': generateModel({shape: PAGE_SHAPE, type: 'F32', seed: 2}),
  '/text.gguf': Buffer.from('<!doctype html><title>Not found</title>'.repeat(10)),
  '/truncated.gguf': model.slice(0, model.length / 2),
  '/version.gguf': wrongVersion,
  '/foreign.gguf': foreign,
};

interface Faults {
  /** False: answers ranges with the whole file. */
  ranges: boolean;
  cors: boolean;
}

/** Model files in memory, some of them behind faults. */
function answer({ranges, cors}: Faults) {
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const {pathname} = new URL(request.url ?? '/', 'http://x');
    const allow = cors ? {'access-control-allow-origin': '*', 'access-control-expose-headers': 'content-range'} : {};
    if (pathname === '/page') {
      response.writeHead(200, {'content-type': 'text/html'}).end('<!doctype html><title>A page</title>');
      return true;
    }
    if (pathname === '/broken.gguf') {
      response.writeHead(500, allow).end('boom');
      return true;
    }
    if (pathname === '/huge.gguf' && !ranges) {
      // A server without ranges and a file too large to take whole: only what is needed ever leaves.
      response.writeHead(200, {...allow, 'content-length': 8 * 2 ** 30});
      response.write(model);
      return true;
    }
    if (pathname === '/sizeless.gguf' && !ranges) {
      response.writeHead(200, allow).end(model);
      return true;
    }
    const file = files[pathname];
    if (!file) return false;
    sendBytes(request, response, file, allow);
    return true;
  };
}

declare global {
  interface Window {
    load(modelSrc: string, options?: object): Promise<GemmaClient>;
    client: GemmaClient;
    codeOf(promise: Promise<unknown>): Promise<string>;
  }
}

type Stats = Awaited<ReturnType<GemmaClient['stats']>>;

/** Asks until the worker says so. (`waitForFunction` takes the promise of a no for a yes.) */
async function until(page: Page, holds: (stats: Stats) => boolean): Promise<void> {
  while (!holds(await page.evaluate(() => window.client.stats()))) await page.waitForTimeout(20);
}

describe('GemmaClient in a browser', () => {
  let browser: Browser;
  let site: Server;
  let noCors: Server;
  let noRanges: Server;
  let context: BrowserContext;

  before(async () => {
    const dist = path.join(root, 'dist');
    site = await serve({root: dist, handle: answer({ranges: true, cors: true})});
    noCors = await serve({root: dist, handle: answer({ranges: true, cors: false})});
    noRanges = await serve({root: dist, handle: answer({ranges: false, cors: true})});
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    for (const server of [site, noCors, noRanges]) await server?.close();
  });
  // A context has workers of its own: no test meets another's.
  beforeEach(async () => {
    context = await browser.newContext();
  });
  afterEach(() => context.close());

  async function open(base = site.url, from: BrowserContext = context): Promise<Page> {
    const page = await from.newPage();
    // The compiler that runs these tests names functions with a helper that the page lacks.
    await page.addInitScript('globalThis.__name = (f) => f');
    await page.goto(new URL('/page', base).href);
    await page.evaluate(async () => {
      const name = '/client.js';
      const {GemmaClient: Client} = (await import(name)) as {GemmaClient: typeof GemmaClient};
      window.load = (modelSrc, options = {}) => Client.load({modelSrc, ...options});
      window.codeOf = (promise) =>
        promise.then(
          () => 'no error',
          // A DOMException has a number for its code.
          (error) => (typeof error.code === 'string' ? error.code : error.name),
        );
    });
    return page;
  }

  it('answers: text, usage and counters of a real model', async () => {
    const page = await open();
    const result = await page.evaluate(async () => {
      const progress: number[] = [];
      const client = await window.load('/model.gguf', {
        onProgress: ({fraction}: {fraction: number}) => progress.push(fraction),
      });
      const answer = await client.chat.completions.create({
        messages: [{role: 'user', content: 'How do I put you on my page?'}],
        max_tokens: 8,
        temperature: 0,
      });
      const stats = await client.stats();
      return {answer, stats, progress, model: client.model, shared: client.shared};
    });
    expect(result.shared).to.equal(true);
    expect([result.model.architecture, result.model.quantization]).to.deep.equal(['gemma4', 'Q8_0']);
    expect(result.model.fileSize).to.equal(model.length);
    const {usage} = result.answer;
    expect(usage.completion_tokens).to.be.within(1, 8);
    expect(result.progress.at(-1)).to.equal(1);
    expect([...result.progress].sort((a, b) => a - b)).to.deep.equal(result.progress);
    expect([result.stats.clients, result.stats.models, result.stats.batch.running]).to.deep.equal([1, 1, 0]);
    expect(result.stats.gpu.weightBytes).to.be.within(model.length / 2, model.length);
    expect(result.stats.perToken.submits).to.equal(1);
  });

  it('two pages share one worker and one model: weights are counted once, answers are the same', async () => {
    const [one, two] = [await open(), await open()];
    const ask = async (page: Page) =>
      page.evaluate(async () => {
        window.client ??= await window.load('/model.gguf');
        const {choices} = await window.client.completions.create({prompt: 'the page', max_tokens: 8, temperature: 0});
        return {text: choices[0].text, stats: await window.client.stats()};
      });
    const alone = await ask(one);
    const [first, second] = await Promise.all([ask(one), ask(two)]);
    expect([first.text, second.text]).to.deep.equal([alone.text, alone.text]);
    const {stats} = await ask(two);
    expect([stats.clients, stats.models]).to.deep.equal([2, 1]);
    expect(stats.gpu.weightBytes).to.equal(alone.stats.gpu.weightBytes);

    await two.evaluate(() => window.client.close());
    await until(one, ({clients}) => clients === 1);
  });

  it('a page that is closed while it is answered frees what it held, and the other goes on', async () => {
    const [victim, survivor] = [await open(), await open()];
    await survivor.evaluate(async () => {
      window.client = await window.load('/model.gguf');
    });
    await victim.evaluate(async () => {
      window.client = await window.load('/model.gguf');
      const stream = await window.client.completions.create({prompt: 'the page', stream: true});
      for await (const _ of stream) break;
      void window.client.completions.create({prompt: 'the page'});
    });
    await victim.close();
    await until(survivor, ({clients, batch}) => clients === 1 && batch.running === 0);
    const tokens = await survivor.evaluate(
      async () => (await window.client.completions.create({prompt: 'x', max_tokens: 2})).usage.completion_tokens,
    );
    expect(tokens).to.be.within(1, 2);
  });

  it('a worker of a foreign origin runs as a module of this page', async () => {
    const page = await open();
    const [shared, tokens] = await page.evaluate(async (workerSrc) => {
      const client = await window.load('/model.gguf', {workerSrc});
      return [client.shared, await client.tokenize('the page')] as const;
    }, new URL('/gemma-chat.worker.js', noRanges.url).href);
    expect(shared).to.equal(false);
    expect(tokens[0]).to.equal(2);
  });

  it('a chosen file works as a URL does', async () => {
    const page = await open();
    const name = await page.evaluate(async () => {
      const bytes = await (await fetch('/model.gguf')).blob();
      const client = await window.load(new File([bytes], 'mine.gguf') as never);
      return client.model.fileSize;
    });
    expect(name).to.equal(model.length);
  });

  it('aborts: a load, a stream, a promise', async () => {
    const page = await open();
    const result = await page.evaluate(async () => {
      const load = new AbortController();
      const stopped = window.codeOf(
        window.load('/model.gguf', {signal: load.signal, onProgress: () => setTimeout(() => load.abort())}),
      );
      const loadCode = await stopped;
      const client = await window.load('/model.gguf');
      const abort = new AbortController();
      const {signal} = abort;
      let last: string | null = null;
      for await (const chunk of await client.completions.create({prompt: 'the page', stream: true, signal})) {
        last = chunk.choices[0].finish_reason;
        abort.abort();
      }
      const another = new AbortController();
      const promise = window.codeOf(client.completions.create({prompt: 'the page', signal: another.signal}));
      another.abort();
      return [loadCode, last, await promise];
    });
    expect(result).to.deep.equal(['AbortError', 'abort', 'AbortError']);
  });

  const failures: Record<string, [modelSrc: () => string, code: string]> = {
    'HTTP 404': [() => '/missing.gguf', 'http-status'],
    'HTTP 500': [() => '/broken.gguf', 'http-status'],
    'not a GGUF': [() => '/text.gguf', 'not-gguf'],
    'a truncated file': [() => '/truncated.gguf', 'gguf-truncated'],
    'a wrong version': [() => '/version.gguf', 'gguf-version'],
    'an unknown architecture': [() => '/foreign.gguf', 'architecture-unsupported'],
    'no CORS': [() => new URL('/model.gguf', noCors.url).href, 'cors'],
    'no size and no ranges': [() => new URL('/sizeless.gguf', noRanges.url).href, 'range-unsupported'],
    'no server': [() => 'http://localhost:9/model.gguf', 'network'],
  };
  for (const [name, [modelSrc, code]] of Object.entries(failures)) {
    it(`${name}: ${code}`, async () => {
      const page = await open();
      expect(await page.evaluate((src) => window.codeOf(window.load(src)), modelSrc())).to.equal(code);
    });
  }

  it('reads a large file as it comes where the server has no ranges', async () => {
    const page = await open();
    const src = new URL('/huge.gguf', noRanges.url).href;
    expect(await page.evaluate(async (src) => (await window.load(src)).model.fileSize, src)).to.equal(8 * 2 ** 30);
  });

  it('after a load that failed the next one works, in the same worker', async () => {
    const page = await open();
    const codes = await page.evaluate(async () => [
      await window.codeOf(window.load('/truncated.gguf')),
      await window.codeOf(window.load('/model.gguf')),
    ]);
    expect(codes).to.deep.equal(['gguf-truncated', 'no error']);
  });

  it('another model while one is in use: model-in-use', async () => {
    const [one, two] = [await open(), await open()];
    await one.evaluate(async () => {
      window.client = await window.load('/model.gguf');
    });
    expect(await two.evaluate(() => window.codeOf(window.load('/other.gguf')))).to.equal('model-in-use');
  });

  it('context overflow, unknown options, a context beyond the model’s, a part of the script that does not come', async () => {
    const page = await open();
    const parts = '**/chunks/requests-*.js';
    await page.route(parts, (route) => route.abort());
    const before = await page.evaluate(async () => {
      const beyond = await window.codeOf(window.load('/model.gguf', {contextLength: 1_000_000}));
      window.client = await window.load('/model.gguf', {contextLength: 16});
      return [beyond, await window.codeOf(window.client.completions.create({prompt: 'one', max_tokens: 1}))];
    });
    expect(before).to.deep.equal(['option-invalid', 'network']);
    await page.unroute(parts);
    const codes = await page.evaluate(async () => {
      const {client} = window;
      const prompt = 'one two three '.repeat(20);
      return [
        await window.codeOf(client.completions.create({prompt})),
        await window.codeOf(client.completions.create({prompt, beams: 2} as never)),
        await window.codeOf(window.load('/model.gguf', {device: 'gpu'})),
      ];
    });
    expect(codes).to.deep.equal(['context-overflow', 'option-unknown', 'option-unknown']);
  });

  it('a worker script that is not there, or none of ours: worker-failed', async () => {
    const page = await open();
    const codes = await page.evaluate(async () => [
      await window.codeOf(window.load('/model.gguf', {workerSrc: '/nothing.js'})),
      await window.codeOf(window.load('/model.gguf', {workerSrc: '/page'})),
    ]);
    expect(codes).to.deep.equal(['worker-failed', 'worker-failed']);
  });

  it('a GPU that goes away in mid-answer: answers of every page go on, word for word', async () => {
    const [one, two] = [await open(), await open()];
    for (const page of [one, two]) {
      await page.evaluate(async () => {
        window.client = await window.load('/model.gguf');
      });
    }
    const ask = (page: Page) =>
      page.evaluate(async () => {
        const options = {prompt: 'How do I', max_tokens: 150, temperature: 0};
        return (await window.client.completions.create(options)).choices[0].text;
      });
    const alone = await ask(one);
    const answers = [one, two].map(ask);
    await until(one, ({batch}) => batch.running === 2);
    // The browser starts a new GPU process by itself.
    await (await browser.newBrowserCDPSession()).send('Browser.crashGpuProcess');
    expect(await Promise.all(answers)).to.deep.equal([alone, alone]);
    const stats = await one.evaluate(() => window.client.stats());
    expect([stats.recoveries, stats.models, stats.clients]).to.deep.equal([1, 1, 2]);
  });

  it('no WebGPU: webgpu-missing on a page that is not secure', async () => {
    const port = new URL(site.url).port;
    const plain = await launch({args: ['--host-resolver-rules=MAP insecure.test 127.0.0.1']});
    try {
      const page = await open(`http://insecure.test:${port}/`, await plain.newContext());
      expect(await page.evaluate(() => window.codeOf(window.load('/model.gguf')))).to.equal('webgpu-missing');
    } finally {
      await plain.close();
    }
  });

  it('WebGPU without an adapter: adapter-missing', async () => {
    const without = await launch({webgpu: false, args: ['--disable-gpu']});
    try {
      const page = await open(site.url, await without.newContext());
      expect(await page.evaluate(() => window.codeOf(window.load('/model.gguf')))).to.equal('adapter-missing');
    } finally {
      await without.close();
    }
  });
});
