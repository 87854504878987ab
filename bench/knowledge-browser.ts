// `node --import ./scripts/lib/node.mjs bench/knowledge-browser.ts`: the three sites of `npm run eval:knowledge`, indexed by the command,
// each with one page of two lines, in a real browser: what is found without WebGPU, then what a model writes over it. The
// model is the demo's, which knows gemma-chat only: this shows that sources come and lead to their passages, not what a model
// makes of them. Needs dist/ and the sites that the eval has fetched.
import {execFileSync} from 'node:child_process';
import {cpSync, existsSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {launch} from '../scripts/lib/browser.mjs';
import {serve} from '../scripts/lib/serve.mjs';

const cache = path.resolve('.cache/knowledge');
const SITES = {
  'git-doc/usr/share/doc/git-doc': 'How do I undo my last commit but keep the changes?',
  'sqlite3-doc/usr/share/doc/sqlite3': 'How do I make a backup of a database that is in use?',
  'python3.11-doc/usr/share/doc/python3.11/html': 'How do I read a file line by line?',
};
/** What is put into a site's folder for as long as this runs. */
const ADDED = ['knowledge', 'gemma-chat', 'found.html', 'written.html'];
const TAG = '<gemma-chat max-tokens="8" temperature="0"';

function clean(root: string): void {
  for (const name of ADDED) rmSync(path.join(root, name), {recursive: true, force: true});
}

for (const [site, question] of Object.entries(SITES)) {
  const root = path.join(cache, site);
  if (!existsSync(root)) throw new Error('npm run eval:knowledge fetches the sites first');
  clean(root);
  execFileSync(process.execPath, ['scripts/gemma-chat.mjs', 'index', root], {stdio: 'ignore'});
  cpSync('dist', path.join(root, 'gemma-chat'), {recursive: true, filter: (from) => !/\.map$|dist\/types/.test(from)});
  const script = '<!doctype html><html lang="en"><script type="module" src="/gemma-chat/gemma-chat.js"></script>';
  writeFileSync(path.join(root, 'found.html'), `${script}<gemma-chat knowledge-src="/knowledge/"></gemma-chat>`);
  const model = 'model-src="/gemma-chat/demo/models/gemma-chat-demo.gguf"';
  writeFileSync(path.join(root, 'written.html'), `${script}${TAG} ${model} knowledge-src="/knowledge/"></gemma-chat>`);
  const server = await serve({root});
  for (const [page, webgpu] of [
    ['found.html', false],
    ['written.html', true],
  ] as const) {
    const browser = await launch({webgpu});
    const tab = await browser.newPage();
    await tab.goto(server.url + page);
    if (webgpu) {
      await tab.getByRole('button', {name: 'Load the model'}).click();
      await tab.waitForFunction(() => document.querySelector('gemma-chat')?.status === 'ready', null, {
        timeout: 60_000,
      });
    }
    const input = tab.locator('gemma-chat [part~="input"]');
    await input.fill(question);
    const start = performance.now();
    await input.press('Enter');
    const source = tab.locator('gemma-chat [part~="source-link"]').first();
    await source.waitFor({timeout: 60_000});
    const ms = performance.now() - start;
    const answer = await tab.evaluate(() => document.querySelector('gemma-chat')!.messages.at(-1)!);
    const href = (await source.getAttribute('href'))!;
    console.log(
      `${site.split('/')[0]}, ${page}: ${ms.toFixed(0)} ms, ${answer.sources?.length} sources, "${answer.content}"`,
    );
    await tab.goto(new URL(href, server.url).href);
    const {hash} = new URL(href);
    const there = await tab.evaluate(
      (id) => id === '' || document.getElementById(id) !== null,
      decodeURIComponent(hash.slice(1).split(':~:')[0]),
    );
    console.log(
      `  ${href.slice(server.url.length - 1, 160)}: "${await tab.title()}", ${there ? 'its place is on the page' : 'NO SUCH PLACE'}`,
    );
    await browser.close();
  }
  await server.close();
  clean(root);
}
