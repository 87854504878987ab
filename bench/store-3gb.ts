// `npm run bench -- store-3gb [--gb 3] [--keep]`: a model of three gigabytes through the whole product once, as a visitor
// has it: the built client and shared worker in Chromium, over a local server into OPFS and onto the GPU, an answer, and
// once more from the disk with the server gone. Nine tenths of the file are the per-layer embedding table, so that a
// software adapter can run it: it is downloaded, hashed, stored and uploaded like any tensor, and read a row a token.
// Run `npm run build` before. Linux only for the memory.
import {existsSync, mkdtempSync, rmSync, statSync, unlinkSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {parseArgs} from 'node:util';
import type {Page} from 'playwright-core';
import type {GemmaClient} from '../src/client/index.ts';
import {BIG_SHAPES, writeBigModel} from './lib/big-model.ts';
import {family, forgetPeak, peak, resident} from './lib/resident.ts';

interface Figures {
  readyMs: number;
  answerMs: number;
  /** When each phase was first told of. */
  phases: Record<string, number>;
  gpuBytes: number;
  storage: string | undefined;
}

const BYTES_PER_LAYER = 262144 * 256 * (34 / 32);

export async function run(args: string[]): Promise<void> {
  const {values} = parseArgs({args, options: {gb: {type: 'string', default: '3'}, keep: {type: 'boolean'}}});
  const root = path.resolve(import.meta.dirname, '..');
  const dist = path.join(root, 'dist');
  if (!existsSync(path.join(dist, 'client.js'))) throw new Error('dist/ is missing: npm run build');
  const file = path.join(os.tmpdir(), `store-${values.gb}gb.gguf`);
  const layers = Math.max(5, Math.round((0.95e9 * Number(values.gb)) / BYTES_PER_LAYER));
  if (!existsSync(file)) writeBigModel(file, slim(layers), 'Q8_0');
  const {size} = statSync(file);

  const {CHROME_ARGS, ensureChrome} = await import('../scripts/lib/chrome.mjs');
  const {chromium} = await import('playwright-core');
  const {serve} = await import('../scripts/lib/serve.mjs');
  const before = new Set(family(process.pid));
  const page = {'content-type': 'text/html'};
  const site = await serve({
    root: dist,
    handle: (request, response) =>
      request.url === '/page' && Boolean(response.writeHead(200, page).end('<!doctype html><title>bench</title>')),
  });
  const models = await serve({root: path.dirname(file)});
  // A profile on the disk: a browser without one keeps in memory what is stored.
  const profile = mkdtempSync(path.join(os.tmpdir(), 'store-3gb-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: ensureChrome(),
    args: CHROME_ARGS,
    headless: true,
  });
  // The compiler that runs this names functions with a helper that the page lacks.
  await context.addInitScript('globalThis.__name = (f) => f');
  try {
    const url = models.url + path.basename(file);
    const visit = async (title: string): Promise<void> => {
      const tab = await context.newPage();
      tab.setDefaultTimeout(0);
      await tab.goto(`${site.url}page`);
      const pids = family(process.pid).filter((pid) => !before.has(pid));
      const at = resident(pids);
      forgetPeak(pids);
      const figures = await load(tab, url);
      print(title, figures, size, peak(pids) - at);
      await tab.close();
    };
    console.log(`${path.basename(file)}: ${mb(size)} MB, ${layers} layers`);
    await visit('first visit, from the server');
    await models.close();
    await visit('second visit, without the server');
    const tab = await context.newPage();
    await tab.goto(`${site.url}page`);
    console.log(`stored: ${JSON.stringify(await stored(tab))}`);
  } finally {
    await context.close();
    await site.close();
    rmSync(profile, {recursive: true, force: true});
    if (!values.keep) unlinkSync(file);
  }
  process.exit(0);
}

/** Narrow layers, and a wide table of per-layer embeddings. */
function slim(layers: number) {
  return {
    ...BIG_SHAPES.e2b,
    nEmbd: 256,
    layers: 'SSSSF'.repeat(Math.ceil(layers / 5)).slice(0, layers),
    sharedKvLayers: 0,
    nHead: 4,
    headDim: {sliding: 64, full: 64},
    nFf: 256,
    contextLength: 4096,
  };
}

function load(page: Page, url: string): Promise<Figures> {
  return page.evaluate(async (modelSrc) => {
    const name = '/client.js';
    const {GemmaClient: Client} = (await import(name)) as {GemmaClient: typeof GemmaClient};
    const start = performance.now();
    const phases: Record<string, number> = {};
    let storage: string | undefined;
    const client = await Client.load({
      modelSrc,
      contextLength: 256,
      onProgress: (progress) => {
        phases[progress.phase] ??= performance.now() - start;
        storage = progress.storage ?? storage;
      },
    });
    const readyMs = performance.now() - start;
    await client.completions.create({prompt: 'the page', max_tokens: 1});
    const answerMs = performance.now() - start - readyMs;
    const gpuBytes = (await client.stats()).gpu.weightBytes;
    client.close();
    return {readyMs, answerMs, phases, gpuBytes, storage};
  }, url);
}

function stored(page: Page): Promise<unknown> {
  return page.evaluate(async () => {
    const name = '/client.js';
    const {GemmaClient: Client} = (await import(name)) as {GemmaClient: typeof GemmaClient};
    const {models, usage} = await Client.models.list();
    return {models: models.map(({size, complete}) => ({size, complete})), usage};
  });
}

function print(title: string, {readyMs, answerMs, phases, gpuBytes, storage}: Figures, size: number, above: number) {
  const first = phases.download ?? phases.upload ?? 0;
  const bytesMs = (phases.compile ?? readyMs) - first;
  const at = Object.entries(phases).map(([phase, ms]) => `${phase} ${seconds(ms)}`);
  console.log(`${title}: ready after ${seconds(readyMs)} s, the first token ${seconds(answerMs)} s later`);
  console.log(`  phases began at (s): ${at.join(', ')}`);
  console.log(`  weights ${rate(size, bytesMs)} MB/s; ${mb(gpuBytes)} MB of them on the GPU; stored in ${storage}`);
  console.log(
    `  memory of the browser grew by ${mb(above)} MB at the peak, ${mb(above - gpuBytes)} MB above the weights`,
  );
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
const seconds = (ms: number): string => (ms / 1000).toFixed(2);
const rate = (bytes: number, ms: number): string => (bytes / 1000 / ms).toFixed(0);
