// `npm run bench -- tokenizer [file.gguf] [--seed 1] [--repetitions 3]`: load time, memory, encode and decode speed in
// Chromium, for a synthetic vocabulary of Gemma 4's size, and for a real file's if one is given.
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';
import type {CDPSession, Page} from 'playwright-core';
import {launch} from '../scripts/lib/browser.mjs';
import {pageBundle} from './lib/page-bundle.ts';
import type {TokenizerBench} from './lib/tokenizer-page.ts';

declare const tokenizerBench: TokenizerBench;

const ROOT = path.join(import.meta.dirname, '..');
const MEGABYTE = 1e6;

export async function run(args: string[]): Promise<void> {
  const {values, positionals} = parseArgs({
    args,
    allowPositionals: true,
    options: {seed: {type: 'string', default: '1'}, repetitions: {type: 'string', default: '3'}},
  });
  const script = await pageBundle(path.join(import.meta.dirname, 'lib/tokenizer-page.ts'));
  const browser = await launch({webgpu: false});
  try {
    console.log(`Chromium ${browser.version()}`);
    for (const file of [null, ...positionals]) {
      const page = await browser.newPage();
      await page.setContent('<input type="file">');
      await page.addScriptTag({content: script});
      const cdp = await page.context().newCDPSession(page);
      await measure(page, cdp, file, Number(values.seed), Number(values.repetitions));
      await page.close();
    }
  } finally {
    await browser.close();
  }
}

async function measure(page: Page, cdp: CDPSession, file: string | null, seed: number, repetitions: number) {
  const empty = await heap(cdp, true);
  if (file === null) {
    const counts = await page.evaluate(([s, length]) => tokenizerBench.synthesize(s, length), [seed, 2 ** 20]);
    console.log(`synthetic vocabulary, seed ${seed}: ${counts.tokens} tokens, ${counts.merges} merges`);
  } else {
    await page.locator('input').setInputFiles(file);
    const ms = await page.evaluate((text) => tokenizerBench.readHeader(text), ownText());
    console.log(`${path.basename(file)}\n  header         ${ms.toFixed(0)} ms`);
  }
  const before = await heap(cdp, true);
  const loadMs: number[] = [];
  const loadCpuMs: number[] = [];
  let atEnd = 0;
  for (let i = 0; i < repetitions; i++) {
    await page.evaluate(() => tokenizerBench.unload());
    await heap(cdp, true);
    const cpu = await cpuMs(cdp);
    loadMs.push(await page.evaluate(() => tokenizerBench.load()));
    loadCpuMs.push((await cpuMs(cdp)) - cpu);
    atEnd = Math.max(atEnd, await heap(cdp, false));
  }
  const after = await heap(cdp, true);
  const speedCpu = await cpuMs(cdp);
  const figures = await page.evaluate((n) => tokenizerBench.speed(n), repetitions);
  const speedCpuMs = (await cpuMs(cdp)) - speedCpu;
  const busy = figures.encodeMs.concat(figures.decodeMs).reduce((sum, ms) => sum + ms, 0);
  const rate = (ms: number[]) => ms.map((each) => (figures.bytes / MEGABYTE / (each / 1000)).toFixed(1)).join(' ');
  const megabytes = (bytes: number) => (bytes / MEGABYTE).toFixed(1);
  const whole = await page.evaluate(() => tokenizerBench.oneLetter());
  const milliseconds = (ms: number[]) => ms.map((each) => each.toFixed(0)).join(' ');
  console.log(`  load           ${milliseconds(loadMs)} ms; on the CPU ${milliseconds(loadCpuMs)} ms`);
  console.log(
    `  memory         ${megabytes(after - before)} MB tokenizer, ${megabytes(before - empty)} MB metadata and text`,
  );
  console.log(`  when loaded    ${megabytes(atEnd - empty)} MB in all before collection`);
  console.log(
    `  text           ${megabytes(figures.bytes)} MB, ${figures.tokens} tokens, round trip ${figures.roundTrip}`,
  );
  console.log(`  encode         ${rate(figures.encodeMs)} MB/s (first, then with words remembered)`);
  console.log(`  decode         ${rate(figures.decodeMs)} MB/s`);
  console.log(`  of that time   ${((100 * speedCpuMs) / busy).toFixed(0)} % on the CPU (less: the machine was shared)`);
  console.log(`  1 MiB of "a"   ${whole.toFixed(0)} ms`);
}

/** CPU time of the page's main thread, in milliseconds. */
async function cpuMs(cdp: CDPSession): Promise<number> {
  await cdp.send('Performance.enable', {timeDomain: 'threadTicks'});
  const {metrics} = await cdp.send('Performance.getMetrics');
  return 1000 * (metrics.find(({name}) => name === 'TaskDuration')?.value ?? Number.NaN);
}

/** JS objects and the memory behind typed arrays, in bytes. */
async function heap(cdp: CDPSession, collect: boolean): Promise<number> {
  if (collect) await cdp.send('HeapProfiler.collectGarbage');
  const usage = (await cdp.send('Runtime.getHeapUsage')) as {usedSize: number; backingStorageSize?: number};
  return usage.usedSize + (usage.backingStorageSize ?? 0);
}

/** The project's own sources and documents: code and prose, every line different. */
function ownText(): string {
  const folders = ['src', 'shaders', 'test', 'docs', 'scripts', 'bench'];
  const files = folders.flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), {recursive: true, encoding: 'utf8'}).map((name) => path.join(folder, name)),
  );
  return files
    .filter((name) => /\.(ts|mjs|wgsl|md)$/.test(name) && !name.includes('node_modules'))
    .map((name) => readFileSync(path.join(ROOT, name), 'utf8'))
    .join('\n');
}
