// An embedding model in a real browser: the built client and worker, real WebGPU, beside a chat; against float64.
import {expect} from 'chai';
import type {Page} from 'playwright-core';
import {openSite, type Site} from '../../scripts/lib/browser.mjs';
import {EMBEDDING_SHAPES} from '../../scripts/model-files/dense-shapes.ts';
import {PAGE_SHAPE} from '../../scripts/model-files/gemma4-shapes.ts';
import {generateModel} from '../../scripts/model-files/model.ts';
import type {GemmaEmbeddings} from '../../src/client/embeddings.ts';
import type {GemmaClient} from '../../src/client/gemma-client.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {createTokenizer} from '../../src/tokenizer/create-tokenizer.ts';
import {sendBytes} from '../helpers/send-bytes.ts';
import {GemmaEmbeddingReference} from '../reference/models/gemma-embedding.ts';

const TEXTS = [
  'the page asks',
  'a chat on any web page',
  'one two three four five six seven eight nine ten eleven twelve',
];
const MODELS: Record<string, Uint8Array> = {
  '/embed.gguf': generateModel({shape: EMBEDDING_SHAPES['gemma-embedding'], type: 'Q8_0'}),
  '/chat.gguf': generateModel({shape: PAGE_SHAPE, type: 'Q8_0'}),
};

declare global {
  interface Window {
    embeddings: GemmaEmbeddings;
    chat: GemmaClient;
  }
}

describe('embeddings in a browser', function () {
  this.timeout(180_000);
  let site: Site;
  let page: Page;
  const asked: string[] = [];

  before(async () => {
    site = await openSite({
      server: {
        handle(request, response) {
          const {url = ''} = request;
          const model = MODELS[url];
          if (model) {
            asked.push(url);
            sendBytes(request, response, model);
          } else if (url === '/page') response.writeHead(200, {'content-type': 'text/html'}).end('<!doctype html>');
          return model !== undefined || url === '/page';
        },
      },
    });
    const context = await site.browser.newContext();
    page = await context.newPage();
    page.setDefaultTimeout(120_000);
    await open(page);
  });
  after(() => site?.close());

  async function open(other: Page): Promise<void> {
    await other.goto(`${site.url}page`);
    await other.evaluate(async () => {
      const entry = '/embeddings.js';
      const module = (await import(entry)) as {GemmaEmbeddings: typeof GemmaEmbeddings};
      window.embeddings = new module.GemmaEmbeddings({modelSrc: '/embed.gguf'});
    });
  }

  const embed = (other: Page, input: string[]): Promise<number[][]> =>
    other.evaluate(async (texts) => {
      const {data} = await window.embeddings.create({input: texts});
      return data.map(({embedding}) => [...embedding]);
    }, input);

  it('are those of float64', async () => {
    const source = memorySource(MODELS['/embed.gguf']);
    const file = await readGguf(source);
    const judge = await GemmaEmbeddingReference.load(source, file);
    const tokenizer = createTokenizer(file.metadata);
    const eos = file.metadata.integer('tokenizer.ggml.eos_token_id');
    const vectors = await embed(page, TEXTS);
    TEXTS.forEach((text, i) => {
      const expected = judge.embed([...tokenizer.encode(text), eos]);
      const error = Math.max(...expected.map((value, n) => Math.abs(value - vectors[i][n])));
      expect(error, text).to.be.below(1e-5);
    });
  });

  it('come from the same model in another tab, beside a chat that answers', async () => {
    const requests = asked.length;
    const other = await page.context().newPage();
    await open(other);
    const [first] = await embed(page, TEXTS);
    const [answer, vectors] = await Promise.all([
      other.evaluate(async () => {
        const entry = '/client.js';
        const module = (await import(entry)) as {GemmaClient: typeof GemmaClient};
        window.chat = await module.GemmaClient.load({modelSrc: '/chat.gguf'});
        const request = {prompt: 'the page', max_tokens: 4, temperature: 0};
        return (await window.chat.completions.create(request)).usage.completion_tokens;
      }),
      embed(other, TEXTS),
    ]);
    expect(answer).to.equal(4);
    expect(vectors[0]).to.deep.equal(first);
    expect(asked.slice(requests).filter((url) => url === '/embed.gguf')).to.deep.equal([]);
    await other.close();
  });

  it('say what is wrong with a file that is no embedding model', async () => {
    const code = await page.evaluate(async () => {
      const entry = '/embeddings.js';
      const module = (await import(entry)) as {GemmaEmbeddings: typeof GemmaEmbeddings};
      const wrong = new module.GemmaEmbeddings({modelSrc: '/chat.gguf'});
      return wrong.create({input: 'x'}).catch((error: {code: string}) => error.code);
    });
    expect(code).to.equal('architecture-unsupported');
  });
});
