// The built client in stock Chromium with the real file: downloaded into the private file system, read from there after
// a reload, and shared with a second tab. Knows no judge.
import {createReadStream, mkdtempSync, rmSync, statSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {lavapipeChrome} from '../../../scripts/lavapipe-chrome/index.mjs';
import {launchProfile} from '../../../scripts/lib/browser.mjs';
import {ROOT} from '../../../scripts/lib/run.mjs';
import {parseRange, serve} from '../../../scripts/lib/serve.mjs';

const PAGE = `<!doctype html><meta charset="utf-8"><title>Real weights</title><script type="module">
import {GemmaClient} from '/client.js';
window.open_ = async () => {
  window.client = await GemmaClient.load({modelSrc: '/model.gguf', contextLength: 512});
  return window.client.model;
};
window.score = async (prompt) => {
  const {choices} = await window.client.completions.create({prompt, echo: true, max_tokens: 0, logprobs: 0, temperature: 0});
  return choices[0].logprobs.token_logprobs;
};
window.complete = async (prompt, max_tokens) => {
  const {choices} = await window.client.completions.create({prompt, max_tokens, temperature: 0});
  return choices[0].text;
};
window.ready = true;
</script>`;

/**
 * @param {string} model path of the file
 * @param {{ids: number[], prompts: number[][], count: number}} asked a text to score; prompts to go on with
 * @returns {Promise<object>} logprobs, answers of the first tab; `reloaded` and `second`: {answers, fetched} of the tab after a
 *   reload and of a second one, where `fetched` is how many bytes of the model left the server; `models`: how many the worker has
 */
export async function judgeBrowser(model, {ids, prompts, count}) {
  const {size} = statSync(model);
  let fetched = 0;
  const server = await serve({
    root: path.join(ROOT, 'dist'),
    handle(request, response) {
      if (request.url === '/page') {
        response.writeHead(200, {'content-type': 'text/html'}).end(PAGE);
        return true;
      }
      if (request.url !== '/model.gguf') return false;
      const range = parseRange(request.headers.range, size);
      const {start, end} = range ?? {start: 0, end: size - 1};
      response.writeHead(range ? 206 : 200, {
        'content-type': 'application/octet-stream',
        'accept-ranges': 'bytes',
        'content-length': end - start + 1,
        ...(range && {'content-range': `bytes ${start}-${end}/${size}`}),
      });
      createReadStream(model, {start, end})
        .on('data', (data) => {
          fetched += data.length;
        })
        .pipe(response);
      return true;
    },
  });
  const profile = mkdtempSync(path.join(tmpdir(), 'gemma-chat-real-'));
  const lavapipe = lavapipeChrome();
  const context = await launchProfile(profile, lavapipe ?? {});
  context.setDefaultTimeout(150_000);
  const tab = async (page) => {
    await page.waitForFunction('window.ready');
    return page.evaluate('open_()');
  };
  const answers = (page) =>
    page.evaluate(([list, n]) => Promise.all(list.map((prompt) => window.complete(prompt, n))), [prompts, count]);
  const since = async (act) => {
    const before = fetched;
    const result = await act();
    return {answers: result, fetched: fetched - before};
  };
  try {
    const page = await context.newPage();
    await page.goto(`${server.url}page`);
    const info = await tab(page);
    const adapter = await page.evaluate('client.stats().then(({adapter}) => adapter)');
    const logprobs = await page.evaluate((prompt) => window.score(prompt), ids);
    const first = await answers(page);
    const downloaded = fetched;
    const reloaded = await since(async () => {
      // Its worker ends with the only page.
      await page.goto('about:blank');
      await page.goto(`${server.url}page`);
      await tab(page);
      return answers(page);
    });
    const other = await context.newPage();
    const second = await since(async () => {
      await other.goto(`${server.url}page`);
      await tab(other);
      const both = await Promise.all([answers(page), answers(other)]);
      return both.flat();
    });
    const {models} = await other.evaluate('client.stats()');
    return {
      browser: context.browser()?.version() ?? '',
      adapter,
      info,
      logprobs,
      first,
      downloaded,
      reloaded,
      second,
      models,
    };
  } finally {
    await context.close();
    await server.close();
    rmSync(profile, {recursive: true, force: true});
  }
}
