// The built files in a real browser on this machine's GPU, unattended: model after model through GemmaClient in its
// SharedWorker, from a local server and from the store, in one tab and in two at once; wllama's WebGPU backend beside it
// on the same files. Bundled by pack-browser.mjs, started by run-browser.sh.
//
//   node browser.mjs --box FOLDER --chrome FILE --scratch DIR --out DIR [--seconds N] [--commit ID] [--models A,B] [--dry]
import {existsSync, mkdirSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {type BrowserContext, chromium, type Page} from 'playwright-core';
import {serve} from '../../scripts/lib/serve.mjs';
import {writeBigModel} from '../lib/big-model.ts';
import {type Answer, ISOLATED, serveModel, writeEngineSite} from '../lib/engine-pages.ts';
import type {BrowserFigures, BrowserResults} from './browser-results.ts';
import {browserTable} from './browser-table.ts';
import {runs} from './runs.ts';

const {values: options} = parseArgs({
  options: {
    box: {type: 'string', default: '.'},
    chrome: {type: 'string'},
    scratch: {type: 'string', default: '/tmp'},
    out: {type: 'string', default: '.'},
    seconds: {type: 'string', default: '300'},
    commit: {type: 'string', default: 'unknown'},
    models: {type: 'string', default: '270m Q4_0,1b Q4_0,e2b Q4_0'},
    dry: {type: 'boolean', default: false},
  },
});

const SOFTWARE = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
/** Headless Chromium on Linux reaches a GPU over Vulkan only with these. */
const REAL = [
  '--enable-unsafe-webgpu',
  '--enable-features=Vulkan',
  '--use-angle=vulkan',
  '--disable-vulkan-surface',
  '--ignore-gpu-blocklist',
  '--disable-gpu-sandbox',
];
/** wllama asks for shader-f16, which Dawn hides on NVIDIA. Ours runs without the flag, as in a visitor's browser. */
const F16_ON_NVIDIA = '--enable-dawn-features=vulkan_enable_f16_on_nvidia';
const COMMON = ['--no-sandbox', '--disable-background-networking', '--no-first-run', '--disable-component-update'];

const GENERATED = options.dry ? 4 : 128;
const SHORT = 'How do I put you on my page? ';
/** About 1,800 tokens of the generated vocabularies. */
const LONG = 'A model in the browser reads one token at a time and then writes the next token. '.repeat(
  options.dry ? 2 : 100,
);
const CONTEXT = options.dry ? 256 : 4096;

const until = Date.now() + 1000 * Number(options.seconds);
const left = (): number => (until - Date.now()) / 1000;

/** Runs `body` in a browser of its own whose profile lies in the scratch folder. */
async function withBrowser<T>(
  profile: string,
  flags: string[],
  body: (context: BrowserContext) => Promise<T>,
): Promise<T> {
  const folder = path.join(options.scratch, profile);
  mkdirSync(folder, {recursive: true});
  const args = [...COMMON, ...(options.dry ? SOFTWARE : REAL), ...flags];
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: options.chrome,
    args,
    headless: true,
  });
  try {
    return await body(context);
  } finally {
    await context.close();
  }
}

async function open(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(1000 * Math.max(10, left()));
  page.on('pageerror', (error) => console.log(`  page: ${String(error).slice(0, 200)}`));
  await page.goto(url);
  await page.waitForFunction('window.ready');
  return page;
}

const load = (page: Page, how: object): Promise<number> => page.evaluate(`load(${JSON.stringify(how)})`);
const ask = (page: Page, prompt: string, tokens = GENERATED): Promise<Answer> =>
  page.evaluate(`ask(${JSON.stringify(prompt)}, ${tokens})`);

/** Without its text, which random weights make meaningless. */
const figures = ({text: _, ...rest}: Answer): Answer => ({...rest, text: ''});

/** Each prompt twice: the first run of a length compiles and warms up. Prompts differ, so no cache answers. */
async function askBoth(page: Page): Promise<Pick<BrowserFigures, 'long' | 'short'>> {
  await ask(page, `1 ${SHORT}`, 8);
  const short = await ask(page, `2 ${SHORT}`);
  await ask(page, `3 ${LONG}`, 8);
  const long = await ask(page, `4 ${LONG}`);
  return {short: figures(short), long: figures(long)};
}

async function measureOurs(url: string, profile: string): Promise<BrowserFigures> {
  const result: BrowserFigures = {};
  await withBrowser(profile, [], async (context) => {
    const page = await open(context, `${url}ours.html`);
    result.loadMs = await load(page, {contextLength: CONTEXT});
    Object.assign(result, await askBoth(page));
    const other = await open(context, `${url}ours.html`);
    await load(other, {contextLength: CONTEXT});
    const both = await Promise.all([ask(page, `5 ${SHORT}`), ask(other, `6 ${SHORT}`)]);
    result.twoTabs = both.map(figures);
  });
  await withBrowser(profile, [], async (context) => {
    const page = await open(context, `${url}ours.html`);
    result.reloadMs = await load(page, {contextLength: CONTEXT});
  });
  return result;
}

async function measureWllama(url: string, profile: string): Promise<BrowserFigures> {
  const result: BrowserFigures = {};
  await withBrowser(profile, [F16_ON_NVIDIA], async (context) => {
    const page = await open(context, `${url}theirs.html`);
    result.loadMs = await load(page, {gpu: !options.dry, threads: 4, contextLength: CONTEXT});
    const offloaded = await page.evaluate('offloaded()');
    if (!options.dry && !offloaded) throw new Error('wllama put no layer on the GPU');
    Object.assign(result, await askBoth(page));
  });
  return result;
}

async function attempt(name: string, measure: () => Promise<BrowserFigures>): Promise<BrowserFigures> {
  try {
    const result = await measure();
    console.log(`  ${name}: ${JSON.stringify(result)}`);
    return result;
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0].slice(0, 300);
    console.log(`  ${name}: ${reason}`);
    return {error: reason};
  }
}

async function describeAdapter(context: BrowserContext, url: string): Promise<Record<string, string>> {
  const page = await open(context, `${url}ours.html`);
  return page.evaluate(async (): Promise<Record<string, string>> => {
    const adapter = await navigator.gpu?.requestAdapter();
    if (!adapter) return {missing: 'no adapter'};
    const {vendor, architecture, device, description} = adapter.info;
    return {vendor, architecture, device, description, features: [...adapter.features].sort().join(' ')};
  });
}

const site = path.join(options.scratch, 'site');
writeEngineSite(site, {dist: path.join(options.box, 'dist'), wllama: path.join(options.box, 'wllama')});
const server = await serve({root: site, headers: ISOLATED});
const results: BrowserResults = {
  dry: options.dry,
  date: new Date().toISOString(),
  commit: options.commit,
  browser: '',
  flags: options.dry ? SOFTWARE : REAL,
  adapter: {},
  models: [],
  skipped: [],
};
const save = (): void => {
  writeFileSync(path.join(options.out, 'browser.json'), `${JSON.stringify(results, null, 1)}\n`);
  writeFileSync(path.join(options.out, 'browser.md'), browserTable(results));
};
try {
  await withBrowser('profile', [], async (context) => {
    results.browser = context.browser()?.version() ?? 'persistent context';
    results.adapter = await describeAdapter(context, server.url);
  });
  console.log(JSON.stringify(results.adapter));
  if (results.adapter.missing) throw new Error('the page finds no WebGPU adapter');
  for (const name of options.models.split(',')) {
    const run = runs(options.dry).find((each) => each.name === name);
    if (!run) {
      results.skipped.push(`${name}: not among the models of this run`);
      continue;
    }
    if (left() < 30) {
      results.skipped.push(`${name}: ${left().toFixed(0)} s are left`);
      continue;
    }
    console.log(name);
    const file = path.join(options.scratch, `${name.replace(' ', '-')}.gguf`);
    if (!existsSync(file)) writeBigModel(file, run.shape, run.type);
    serveModel(site, file);
    const ours = await attempt('gemma-chat', () => measureOurs(server.url, `profile ${name}`));
    const wllama = await attempt('wllama', () => measureWllama(server.url, `wllama ${name}`));
    results.models.push({name, ours, wllama});
    for (const each of ['profile', 'wllama'])
      rmSync(path.join(options.scratch, `${each} ${name}`), {recursive: true, force: true});
    save();
  }
} finally {
  save();
  await server.close();
}
process.exit(results.models.some(({ours}) => !ours.error) ? 0 : 1);
