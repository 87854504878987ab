// `npm run bench -- store [file.gguf] [--model 270m] [--type Q8_0] [--integrity] [--keep]`: a model from a local server
// through the store into an engine in Chromium, and from the disk again: how long after the last byte the first token
// comes, how much longer a load takes than reading the file, what is in memory above the weights, what hashes cost.
// Without a file one of random weights is made (see lib/big-model.ts). Memory on Linux only: on software adapters GPU
// buffers are memory of the browser's processes, so resident memory counts both.
import {createHash} from 'node:crypto';
import {createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync, unlinkSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {parseArgs} from 'node:util';
import type {Page} from 'playwright-core';
import type {BigShape, BigType} from './lib/big-model.ts';
import {bundle} from './lib/bundle.ts';
import {family, forgetPeak, peak, resident} from './lib/resident.ts';
import type {StoreBench, StoreLoad} from './lib/store-page.ts';

declare const storeBench: StoreBench;

export async function run(args: string[]): Promise<void> {
  const {values, positionals} = parseArgs({
    args,
    allowPositionals: true,
    options: {
      model: {type: 'string', default: '270m'},
      type: {type: 'string', default: 'Q8_0'},
      integrity: {type: 'boolean'},
      keep: {type: 'boolean'},
    },
  });
  const made = positionals.length === 0;
  const file = path.resolve(positionals[0] ?? path.join(os.tmpdir(), `store-${values.model}-${values.type}.gguf`));
  if (made && !existsSync(file)) {
    const {writeBigModel} = await import('./lib/big-model.ts');
    writeBigModel(file, values.model as BigShape, values.type as BigType);
  }
  const {launchProfile} = await import('../scripts/lib/browser.mjs');
  const {serve} = await import('../scripts/lib/serve.mjs');
  const {size} = statSync(file);
  console.log(`${path.basename(file)}: ${mb(size)} MB`);
  const before = new Set(family(process.pid));
  const html = '<!doctype html><title>store</title>';
  const server = await serve({
    root: path.dirname(file),
    handle(request, response) {
      if (request.url !== '/') return false;
      response.writeHead(200, {'content-type': 'text/html'}).end(html);
      return true;
    },
  });
  const profile = mkdtempSync(path.join(os.tmpdir(), 'store-bench-'));
  const browser = await launchProfile(profile);
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    await page.goto(server.url);
    await page.addScriptTag({content: await bundle(path.join(import.meta.dirname, 'lib/store-page.ts'))});
    const pids = family(process.pid).filter((pid) => !before.has(pid));
    const url = server.url + path.basename(file);
    const integrity = values.integrity ? `sha256-${await hashOf(file)}` : undefined;
    await measure(page, {url, integrity, size, pids});
  } finally {
    await browser.close();
    await server.close();
    rmSync(profile, {recursive: true, force: true});
    if (made && !values.keep) unlinkSync(file);
  }
  process.exit(0);
}

interface Subject {
  url: string;
  integrity: string | undefined;
  size: number;
  pids: number[];
}

async function measure(page: Page, {url, integrity, size, pids}: Subject): Promise<void> {
  const {whole, block} = await page.evaluate(() => storeBench.hashes());
  console.log(`hashes: ${whole.toFixed(0)} MB/s of the whole (ours), ${block.toFixed(0)} MB/s of a block (WebCrypto)`);
  await page.evaluate(() => storeBench.forget());
  await page.evaluate((each) => storeBench.warm(each), url);
  const fetched = await page.evaluate((each) => storeBench.fetch(each), url);
  console.log(`network alone      ${seconds(fetched)} s, ${rate(size, fetched)} MB/s`);

  const load = async (title: string): Promise<StoreLoad> => {
    const at = resident(pids);
    const each = pids.map((pid) => resident([pid]));
    forgetPeak(pids);
    await page.evaluate(([a, b]) => storeBench.begin(a as string, b), [url, integrity]);
    // Up to here: what compiling takes afterwards is not the store's.
    const highest = peak(pids);
    const parts = pids.map((pid, i) => `${kind(pid)} ${mb(peak([pid]) - each[i])}`).join(', ');
    const figures = await page.evaluate(() => storeBench.finish());
    await page.evaluate(() => storeBench.unload());
    const above = highest - at - figures.weightBytes;
    const {beganMs, lastByteMs, uploadedMs, firstTokenMs} = figures;
    console.log(
      `${title} ${seconds(uploadedMs)} s until the weights are on the GPU, ${seconds(firstTokenMs)} s until a token`,
    );
    if (figures.fetchedBytes > 65536) {
      const {fetchedBytes} = figures;
      console.log(
        `  ${mb(fetchedBytes)} MB came in ${seconds(lastByteMs)} s; weights on the GPU ${seconds(uploadedMs - lastByteMs)} s after the last byte, the first token ${seconds(firstTokenMs - lastByteMs)} s`,
      );
    }
    console.log(`  of that ${seconds(beganMs)} s before the weights: header and the kernels’ self-test`);
    console.log(`  ${mb(above)} MB above the weights at the peak until then`);
    console.log(`  each process’s own peak, weights included, in MB: ${parts}`);
    return figures;
  };

  const first = await load('download          ');
  console.log(`  ${first.adapter}, stored in ${first.storage}`);
  // Twice, in turns: the disk's cache is as warm for the one as for the other.
  for (let i = 0; i < 2; i++) {
    const raw = await page.evaluate(() => storeBench.readBlocks());
    console.log(`blocks alone       ${seconds(raw)} s, ${rate(size, raw)} MB/s`);
    const checked = await page.evaluate((each) => storeBench.readStore(each), url);
    console.log(`through the store  ${seconds(checked)} s, ${(checked / raw).toFixed(2)} × the blocks alone`);
    const {beganMs, uploadedMs} = await load('from the disk     ');
    console.log(`  weights alone ${((uploadedMs - beganMs) / raw).toFixed(2)} × the blocks alone`);
  }
}

/** What kind of process of the browser it is. */
function kind(pid: number): string {
  const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  return /--utility-sub-type=(\w+)/.exec(command)?.[1] ?? /--type=([\w-]+)/.exec(command)?.[1] ?? 'browser';
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece);
  return hash.digest('hex');
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
const seconds = (ms: number): string => (ms / 1000).toFixed(2);
const rate = (bytes: number, ms: number): string => (bytes / 1000 / ms).toFixed(0);
