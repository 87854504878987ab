// The script tag that points at a CDN: the element, its chunks and its worker come from another origin than the page.
import path from 'node:path';
import {expect} from 'chai';
import {openSite, type Site} from '../../scripts/lib/browser.mjs';
import {type Server, serve} from '../../scripts/lib/serve.mjs';

const DIST = path.resolve(import.meta.dirname, '../../dist');
/** As unpkg and jsDelivr name a package's files. */
const FOLDER = '/gemma-chat@0.1.0/dist/';
const MODEL = '/demo/models/gemma-chat-demo.gguf';

describe('from a CDN', () => {
  let cdn: Server;
  let site: Site;
  let markup = '';

  before(async () => {
    cdn = await serve({
      root: DIST,
      handle(request, response) {
        if (request.url?.startsWith(FOLDER)) request.url = request.url.slice(FOLDER.length - 1);
        else response.writeHead(404).end();
        return response.writableEnded;
      },
    });
    site = await openSite({
      server: {
        handle(request, response) {
          if (request.url === '/page') response.writeHead(200, {'content-type': 'text/html'}).end(markup);
          return response.writableEnded;
        },
      },
    });
  });

  after(async () => {
    await site?.close();
    await cdn?.close();
  });

  /** Opens a page with the tag of the README, asks, and tells how it went. */
  async function ask(attributes: string) {
    const script = new URL(`${FOLDER}gemma-chat.js`, cdn.url).href;
    markup = `<!doctype html><html lang="de"><meta charset="utf-8"><script type="module" src="${script}"></script>
      <gemma-chat model-src="${MODEL}" max-tokens="4" ${attributes}></gemma-chat></html>`;
    const page = await site.browser.newPage();
    try {
      await page.goto(new URL('page', site.url).href);
      await page.getByRole('button', {name: 'Modell laden'}).click();
      return await page.evaluate(async () => {
        const chat = document.querySelector('gemma-chat')!;
        await new Promise((resolve, reject) => {
          chat.addEventListener('load', resolve, {once: true});
          chat.addEventListener('error', (event) => reject((event as unknown as CustomEvent).detail), {once: true});
          if (chat.client) resolve(null);
        });
        chat.temperature = 0;
        const answer = await chat.send('What is gemma-chat?');
        return {role: answer?.role, length: answer?.content.length, shared: chat.client?.shared};
      });
    } finally {
      await page.close();
    }
  }

  it('answers by a worker that the page starts from a blob', async () => {
    const {role, length, shared} = await ask('');
    expect(role).to.equal('assistant');
    expect(length).to.be.above(0);
    expect(shared).to.equal(false);
  });

  it('answers by a worker of the site, which its tabs share', async () => {
    const {role, length, shared} = await ask('worker-src="/gemma-chat.worker.js"');
    expect(role).to.equal('assistant');
    expect(length).to.be.above(0);
    expect(shared).to.equal(true);
  });
});
