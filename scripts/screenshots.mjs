// `npm run screenshots [-- state …]`: pictures of every state of the chat × light/dark × left-to-right/right-to-left ×
// 360/1280 px, once more in forced colours, and a contact sheet of each combination, in test-results/screenshots/. THEME=file.css adds a theme's
// style sheet. Nothing is compared: the pictures are there to be looked at.
import {mkdir, readFile, rm, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {build} from 'vite';
import {launch} from './lib/browser.mjs';
import {main, ROOT} from './lib/run.mjs';
import {serve} from './lib/serve.mjs';
import {viteWgsl} from './lib/wgsl.mjs';

const OUT = path.join(ROOT, 'test-results/screenshots');
const SIZES = [
  {width: 360, height: 640},
  {width: 1280, height: 720},
];
const VARIANTS = ['light', 'dark'].flatMap((scheme) =>
  ['ltr', 'rtl'].flatMap((dir) => SIZES.map((size) => ({scheme, dir, size, name: `${size.width}-${scheme}-${dir}`}))),
);

VARIANTS.push({scheme: 'dark', dir: 'ltr', size: SIZES[0], name: '360-forced-ltr', forcedColors: 'active'});

const page = ({dir, theme}) => `<!doctype html>
<html lang="${dir === 'rtl' ? 'ar' : 'en'}" dir="${dir}">
  <head><meta charset="utf-8"><title>${dir}</title>
    <style>
      :root { color-scheme: light dark; background: light-dark(#eef0f4, #08090b); font-family: system-ui, sans-serif; }
      body { margin: 0; }
      main { block-size: 100vh; box-sizing: border-box; padding: 16px; }
      ${theme}
    </style></head>
  <body><main></main><script type="module" src="states.js"></script></body>
</html>`;

async function bundle(theme) {
  await rm(OUT, {recursive: true, force: true});
  await mkdir(OUT, {recursive: true});
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    plugins: [viteWgsl()],
    build: {
      outDir: OUT,
      emptyOutDir: false,
      target: 'es2022',
      lib: {entry: path.join(ROOT, 'test/visual/states.ts'), formats: ['es'], fileName: () => 'states.js'},
    },
  });
  for (const dir of ['ltr', 'rtl']) await writeFile(path.join(OUT, `${dir}.html`), page({dir, theme}));
}

async function photograph(browser, url, {scheme, dir, size, name, forcedColors = 'none'}, wanted) {
  const context = await browser.newContext({
    viewport: size,
    colorScheme: scheme,
    reducedMotion: 'reduce',
    forcedColors,
  });
  const tab = await context.newPage();
  tab.on('pageerror', (error) => console.error(`${name}: ${error.message}`));
  await tab.goto(`${url}${dir}.html`);
  const states = await tab.evaluate(() => globalThis.visual.names);
  const chosen = states.filter((state) => wanted.length === 0 || wanted.includes(state));
  for (const state of chosen) {
    await tab.evaluate((each) => globalThis.visual.show(each), state);
    await tab.waitForTimeout(60);
    await tab.screenshot({path: path.join(OUT, `${state}-${name}.png`)});
  }
  await context.close();
  return chosen;
}

/** All states of one variant on one picture. */
async function sheet(browser, url, {size, name}, states) {
  const columns = size.width < 600 ? 7 : 4;
  const figures = states.map(
    (state) => `<figure><img src="${state}-${name}.png"><figcaption>${state}</figcaption></figure>`,
  );
  const html = `<!doctype html><meta charset="utf-8"><title>${name}</title><style>
    body { display: grid; grid-template-columns: repeat(${columns}, 1fr); gap: 12px; margin: 12px; font: 14px sans-serif; background: #889; }
    figure { margin: 0; } img { inline-size: 100%; }</style>${figures.join('')}`;
  await writeFile(path.join(OUT, `sheet-${name}.html`), html);
  const tab = await browser.newPage({viewport: {width: 1900, height: 800}});
  await tab.goto(`${url}sheet-${name}.html`);
  await tab.screenshot({path: path.join(OUT, `sheet-${name}.png`), fullPage: true});
  await tab.close();
}

await main(async () => {
  const wanted = process.argv.slice(2);
  await bundle(process.env.THEME ? await readFile(process.env.THEME, 'utf8') : '');
  const server = await serve({root: OUT});
  const browser = await launch({webgpu: false});
  try {
    for (const variant of VARIANTS) {
      const states = await photograph(browser, server.url, variant, wanted);
      await sheet(browser, server.url, variant, states);
      console.log(`${variant.name}: ${states.length} states`);
    }
  } finally {
    await browser.close();
    await server.close();
  }
  console.log(`test-results/screenshots/sheet-*.png`);
});
