// `node scripts/try-package.mjs [plain|vite|react]`: follows the README's "Put it on your page" word for word, each in an
// empty folder, with the tarball that npm would publish; builds, serves, opens a browser and asks. Builds dist/ first
// unless BUILT=1. Not part of `npm test`: it installs from the registry.
import {cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {launch} from './lib/browser.mjs';
import {main, ROOT, run} from './lib/run.mjs';
import {serve} from './lib/serve.mjs';

if (process.env.BUILT !== '1') await run(process.execPath, ['scripts/build.mjs'], {quiet: true});
const readme = await readFile(path.join(ROOT, 'README.md'), 'utf8');
/** The code blocks below a heading of the README, by language, in their order. */
function blocks(heading, language) {
  const section = readme.split(`\n### ${heading}\n`)[1]?.split(/\n##+ /)[0];
  if (section === undefined) throw new Error(`README.md has no "### ${heading}"`);
  return [...section.matchAll(/```(\w+)\n([\s\S]*?)```/g)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code);
}

/** Runs shell lines as they are written there, with the tarball in the place of the registry's package. */
async function shell(lines, cwd, tarball) {
  const command = lines.join('\n').replaceAll(/\bgemma-chat\b(?=\s|$)/g, tarball);
  await run('sh', ['-ec', command], {cwd, quiet: true});
}

const html = (body) => `<!doctype html>\n<meta charset="utf-8">\n<title>A page</title>\n${body}`;

const KINDS = {
  async plain(folder, tarball) {
    await run('tar', ['xzf', tarball], {cwd: folder});
    await cp(path.join(folder, 'package/dist'), path.join(folder, 'gemma-chat'), {recursive: true});
    await writeFile(path.join(folder, 'index.html'), html(blocks('A plain page', 'html')[0]));
    return {root: folder, models: path.join(folder, 'models')};
  },
  async vite(folder, tarball) {
    await writeFile(path.join(folder, 'package.json'), '{"type": "module", "private": true}');
    await shell(['npm install --no-audit --no-fund vite', ...blocks('With a bundler', 'sh')], folder, tarball);
    await writeFile(path.join(folder, 'main.js'), blocks('With a bundler', 'js')[0]);
    await writeFile(path.join(folder, 'index.html'), html('<script type="module" src="main.js"></script>'));
    await run('npx', ['vite', 'build', '--logLevel', 'warn'], {cwd: folder});
    return {root: path.join(folder, 'dist'), models: path.join(folder, 'dist/models')};
  },
  async react(folder, tarball) {
    await writeFile(path.join(folder, 'package.json'), '{"type": "module", "private": true}');
    await shell(
      ['npm install --no-audit --no-fund vite react react-dom', ...blocks('In React', 'sh')],
      folder,
      tarball,
    );
    await writeFile(path.join(folder, 'app.jsx'), blocks('In React', 'jsx')[0]);
    await writeFile(
      path.join(folder, 'main.jsx'),
      "import React from 'react';\nimport {createRoot} from 'react-dom/client';\nimport {App} from './app.jsx';\ncreateRoot(document.body).render(React.createElement(App));\n",
    );
    await writeFile(
      path.join(folder, 'index.html'),
      html('<body><script type="module" src="main.jsx"></script></body>'),
    );
    await run('npx', ['vite', 'build', '--logLevel', 'warn'], {cwd: folder});
    return {root: path.join(folder, 'dist'), models: path.join(folder, 'dist/models')};
  },
};

/** In the page: waits for the chat, agrees to the model, asks. */
async function askInPage() {
  while (!document.querySelector('gemma-chat')) await new Promise((resolve) => setTimeout(resolve, 50));
  await customElements.whenDefined('gemma-chat');
  const chat = document.querySelector('gemma-chat');
  chat.temperature = 0;
  chat.maxTokens = 12;
  await chat.load();
  const answer = await chat.send('What is gemma-chat?');
  return `${answer?.content} (${chat.client.shared ? 'shared worker' : 'worker of the page'})`;
}

await main(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'gemma-chat-try-'));
  const browser = await launch();
  try {
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {quiet: true});
    const tarball = path.join(
      folder,
      (await readdir(folder)).find((name) => name.endsWith('.tgz')),
    );
    const kinds = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(KINDS);
    for (const kind of kinds) {
      const own = path.join(folder, kind);
      await mkdir(own);
      const {root, models} = await KINDS[kind](own, tarball);
      await mkdir(models, {recursive: true});
      await cp(path.join(ROOT, 'demo/models/gemma-chat-demo.gguf'), path.join(models, 'gemma.gguf'));
      const server = await serve({root});
      const page = await browser.newPage();
      page.on('pageerror', (error) => console.error(`${kind}: ${error}`));
      try {
        await page.goto(server.url);
        console.log(`${kind}: ${await page.evaluate(askInPage)}`);
      } finally {
        await page.close();
        await server.close();
      }
    }
  } finally {
    await browser.close();
    await rm(folder, {recursive: true, force: true});
  }
});
