// The chat under the policies of docs/csp.md, word for word: the demo model is loaded, answers, and answers with code and
// formulas are shown, with nothing refused.
import {readFileSync} from 'node:fs';
import {expect} from 'chai';
import type {Page} from 'playwright-core';
import {openSite, type Site} from '../../scripts/lib/browser.mjs';
import {type Server, serve} from '../../scripts/lib/serve.mjs';
import type {GemmaClient} from '../../src/client/index.ts';

const READY = {timeout: 120_000};
const [OWN, FOREIGN] = [...readFileSync('docs/csp.md', 'utf8').matchAll(/```csp\n([^`]+)```/g)].map(([, policy]) =>
  policy.replaceAll('\n', ' ').trim(),
);

const page = (script: string) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Strict</title>
  <script type="module" src="${script}"></script>
  <gemma-chat model-src="/demo/models/gemma-chat-demo.gguf" temperature="0" max-tokens="12"></gemma-chat></html>`;

/** Runs in the page, before its own scripts. `__name` is what the test's compiler adds to functions. */
const WATCH = `
  globalThis.__name = (value) => value;
  globalThis.refused = [];
  document.addEventListener('securitypolicyviolation', ({effectiveDirective, blockedURI, sample}) => {
    refused.push([effectiveDirective, blockedURI, sample].join(' '));
  });
`;

interface Strict {
  tab: Page;
  /** What the policy refused, and what was thrown. */
  refused: () => Promise<string[]>;
}

async function open(site: Site, path: string): Promise<Strict> {
  const tab = await site.browser.newPage();
  const thrown: string[] = [];
  tab.on('pageerror', (error) => thrown.push(error.message));
  await tab.addInitScript({content: WATCH});
  await tab.goto(new URL(path, site.url).href);
  const refused = async () => [
    ...thrown,
    ...(await tab.evaluate(() => (globalThis as {refused?: string[]}).refused ?? [])),
  ];
  return {tab, refused};
}

async function load({tab, refused}: Strict): Promise<void> {
  await tab.getByRole('button', {name: 'Load the model'}).click();
  await tab.waitForFunction(
    () => ['ready', 'error'].includes(document.querySelector('gemma-chat')!.status),
    null,
    READY,
  );
  const detail = await tab.locator('gemma-chat [part=error]').allTextContents();
  expect([...detail, ...(await refused())]).to.deep.equal([]);
}

/** Answers with `text`, in the model's place. */
const answerWith = (tab: Page, text: string) =>
  tab.evaluate(async (content) => {
    const element = document.querySelector('gemma-chat')!;
    const pieces = content.match(/[\s\S]{1,7}/g) ?? [];
    const chunks = [
      ...pieces.map((piece) => ({choices: [{delta: {content: piece}}]})),
      {choices: [{delta: {}, finish_reason: 'stop'}]},
    ];
    const stream = {
      async *[Symbol.asyncIterator]() {
        yield* chunks;
      },
    };
    const fake = {
      model: {name: 'Fake'},
      lost: new Promise(() => {}),
      chat: {completions: {create: async () => stream}},
      close() {},
    };
    element.client = fake as unknown as GemmaClient;
    await element.send('Show me everything');
  }, text);

describe('the chat under a strict policy', () => {
  let cdn: Server;
  let site: Site;

  before(async () => {
    cdn = await serve({root: 'dist'});
    const pages: Record<string, [html: string, policy: string]> = {
      '/own': [page('/gemma-chat.js'), OWN],
      '/foreign': [page(`${cdn.url}gemma-chat.js`), FOREIGN.replaceAll('https://cdn.example', new URL(cdn.url).origin)],
    };
    site = await openSite({
      server: {
        headers: {'content-security-policy': OWN},
        handle: ({url}, response) => {
          const [html, policy] = pages[url ?? ''] ?? [];
          if (html === undefined) return false;
          response.writeHead(200, {'content-type': 'text/html', 'content-security-policy': policy}).end(html);
          return true;
        },
      },
    });
  });
  after(async () => {
    await site?.close();
    await cdn?.close();
  });

  it('loads the model, answers, and shows Markdown, code, formulas and another language', async () => {
    const strict = await open(site, '/own');
    const {tab, refused} = strict;
    await load(strict);
    const box = tab.getByRole('textbox');
    await box.fill('What is gemma-chat?');
    await box.press('Enter');
    await tab.waitForFunction(
      () => {
        const {status, messages} = document.querySelector('gemma-chat')!;
        return status === 'ready' && messages.length === 2;
      },
      null,
      READY,
    );
    await answerWith(
      tab,
      '# Title\n\n| a | b |\n|-|-|\n| **1** | `2` |\n\n```js\nconst a = 1;\n```\n\nand $x^2$, $$\\frac{1}{2}$$ done',
    );
    await tab.locator('gemma-chat .code-keyword').waitFor();
    await tab.locator('gemma-chat math').first().waitFor();
    await tab.evaluate(() => {
      document.querySelector('gemma-chat')!.lang = 'de';
    });
    await tab.getByRole('button', {name: 'Senden'}).waitFor();
    expect(await refused()).to.deep.equal([]);
    // The policy is in force.
    const outcome = await tab.evaluate(() => {
      try {
        document.body.insertAdjacentHTML('beforeend', '<p>');
        return 'allowed';
      } catch (error) {
        return (error as Error).name;
      }
    });
    expect(outcome).to.equal('TypeError');
    await tab.close();
  });

  it("runs from another host's script, in a worker of the page's", async () => {
    const strict = await open(site, '/foreign');
    const {tab, refused} = strict;
    await load(strict);
    expect(await tab.evaluate(() => document.querySelector('gemma-chat')!.client!.shared)).to.equal(false);
    await answerWith(tab, '```js\nlet a;\n```\n\n');
    await tab.locator('gemma-chat .code-keyword').waitFor();
    expect(await refused()).to.deep.equal([]);
    await tab.close();
  });
});
