// The command, its index, the built element and worker in a browser without WebGPU: a question finds its passage. The same
// over Pagefind's index, by the recipe of docs/knowledge.md, word for word.
import {execFileSync} from 'node:child_process';
import {cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {expect} from 'chai';
import {launch} from '../../scripts/lib/browser.mjs';
import {serve} from '../../scripts/lib/serve.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const [RECIPE] = readFileSync(path.join(root, 'docs/knowledge.md'), 'utf8').match(/const pagefind = [^`]+/)!;

describe('a site that answers from its pages', function () {
  this.timeout(120_000);

  it('is indexed by the command, and found in where no model can run', async () => {
    const site = mkdtempSync(path.join(tmpdir(), 'gemma-chat-site-'));
    mkdirSync(path.join(site, 'help'));
    const page = (title: string, body: string) =>
      `<!doctype html><html lang="en"><title>${title}</title><main>${body}</main>`;
    writeFileSync(
      path.join(site, 'help/returns.html'),
      page(
        'Returns',
        '<h1>Returns</h1><h2 id="time">How long</h2><p>Send goods back within thirty days of delivery.</p>',
      ),
    );
    writeFileSync(
      path.join(site, 'help/stores.html'),
      page('Stores', '<h1>Stores</h1><p>Our stores open at nine and close at six.</p>'),
    );
    writeFileSync(
      path.join(site, 'index.html'),
      page('Shop', '<h1>Shop</h1><p>Welcome.</p>').replace(
        '</main>',
        '</main><script type="module" src="/dist/gemma-chat.js"></script><gemma-chat knowledge-src="/knowledge/"></gemma-chat>',
      ),
    );
    execFileSync(process.execPath, [path.join(root, 'scripts/gemma-chat.mjs'), 'index', site]);
    execFileSync(path.join(root, 'node_modules/.bin/pagefind'), ['--site', site], {stdio: 'ignore'});
    writeFileSync(
      path.join(site, 'pagefind.html'),
      '<!doctype html><script type="module" src="/dist/gemma-chat.js"></script><gemma-chat></gemma-chat>' +
        `<script type="module">const chat = document.querySelector('gemma-chat');\n${RECIPE}</script>`,
    );
    cpSync(path.join(root, 'dist'), path.join(site, 'dist'), {
      recursive: true,
      filter: (from) => !/\.map$|dist\/(?:demo|types)/.test(from),
    });
    const server = await serve({root: site});
    const browser = await launch({webgpu: false});
    try {
      const tab = await browser.newPage();
      await tab.goto(server.url);
      const ask = async (question: string) => {
        await tab.locator('gemma-chat [part~="input"]').fill(question);
        await tab.keyboard.press('Enter');
        const sources = tab.locator('gemma-chat [part~="source-link"]');
        await sources.first().waitFor();
        return sources.last().getAttribute('href');
      };
      await tab.locator('gemma-chat [part~="input"]').waitFor();
      expect(await ask('how many days for sending goods back?')).to.match(/\/help\/returns\.html#/);
      await tab.goto(`${server.url}pagefind.html`);
      await tab.waitForFunction(() => document.querySelector('gemma-chat')?.knowledge);
      expect(await ask('Which day may I bring goods after delivery?')).to.match(/\/help\/returns\.html/);
    } finally {
      await browser.close();
      await server.close();
      rmSync(site, {recursive: true});
    }
  });
});
