// `npm run bench -- store [file.gguf] [--model 270m] [--type Q8_0] [--integrity] [--keep]`: a model from a local server
// through the store into an engine in Chromium, and from the disk again: how long after the last byte the first token
// comes and what it waits for, how much longer the weights take than reading the file, what is in memory above them, what
// hashes cost. Files are read from the disk's cache, so that one pass is as warm as the other.
// Without a file one of random weights is made (see lib/big-model.ts). Memory on Linux only: on software adapters GPU
// buffers are memory of the browser's processes, so resident memory counts both.
import {createHash} from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {parseArgs} from 'node:util';
import type {Page} from 'playwright-core';
import type {BigShape, BigType} from './lib/big-model.ts';
import {bundle} from './lib/bundle.ts';
import {afterLastByte} from './lib/load-times.ts';
import {family, forgetPeak, peak, resident} from './lib/resident.ts';
import type {StoreBench, StoreLoad} from './lib/store-worker.ts';

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
  const own: Record<string, [type: string, text: string]> = {
    '/': ['text/html', '<!doctype html><title>store</title>'],
    '/worker.js': ['text/javascript', await bundle(path.join(import.meta.dirname, 'lib/store-worker.ts'))],
  };
  const server = await serve({
    root: path.dirname(file),
    handle(request, response) {
      const [type, text] = own[request.url!] ?? [];
      if (type) response.writeHead(200, {'content-type': type}).end(text);
      return type !== undefined;
    },
  });
  const profile = mkdtempSync(path.join(os.tmpdir(), 'store-bench-'));
  const browser = await launchProfile(profile, {args: ['--js-flags=--expose-gc']});
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    await page.goto(server.url);
    const call = await startWorker(page);
    const pids = family(process.pid).filter((pid) => !before.has(pid));
    const url = server.url + path.basename(file);
    const integrity = values.integrity ? `sha256-${await hashOf(file)}` : undefined;
    await measure(call, {url, integrity, size, pids, profile});
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
  profile: string;
}

type Call = <K extends keyof StoreBench>(
  name: K,
  ...args: Parameters<StoreBench[K]>
) => Promise<Awaited<ReturnType<StoreBench[K]>>>;

/**
 * In a shared worker, as the product runs: who drives a page keeps up to 100 MB of what it fetches in the page's process.
 */
async function startWorker(page: Page): Promise<Call> {
  const worker = await page.evaluateHandle(() => new SharedWorker('/worker.js').port);
  return async (name, ...args) => {
    const {value, error} = await worker.evaluate(
      (port, call) =>
        new Promise<{value?: unknown; error?: string}>((resolve) => {
          const {port1, port2} = new MessageChannel();
          port1.onmessage = ({data}) => resolve(data);
          port.postMessage(call, [port2]);
        }),
      {name, args},
    );
    if (error) throw new Error(error);
    return value as never;
  };
}

/** What the browser's processes had in memory at their highest, above what they began with. */
interface Growth {
  sum: number;
  /** Each process’s own, in words. */
  parts: string;
  /** What they have now. */
  now: number;
}

async function measure(call: Call, {url, integrity, size, pids, profile}: Subject): Promise<void> {
  const watch = async (): Promise<() => Growth> => {
    await call('collect');
    const before = pids.map((pid) => resident([pid]));
    forgetPeak(pids);
    return () => {
      const grown = pids.map((pid, i) => peak([pid]) - before[i]);
      const parts = pids.map((pid, i) => `${kind(pid)} ${mb(grown[i])}`).join(', ');
      return {sum: sumOf(grown), parts, now: resident(pids) - sumOf(before)};
    };
  };

  const flow = async (title: string): Promise<number> => {
    warm(profile);
    const growth = await watch();
    const {buffersMs, ms, afterMs, weightBytes} = await call('flow', url);
    await call('collect');
    const {sum, parts, now} = growth();
    await call('unload');
    console.log(
      `${title} ${seconds(ms)} s, ${rate(size, ms)} MB/s to the GPU, nothing else done; its memory ${seconds(buffersMs)} s before`,
    );
    if (title.startsWith('download')) console.log(`  all on the GPU ${seconds(afterMs)} s after the last byte`);
    console.log(
      `  ${mb(sum - weightBytes)} MB above the weights at the peak, ${mb(sum - now)} MB above what stays (${parts})`,
    );
    return ms;
  };

  const load = async (title: string): Promise<StoreLoad> => {
    warm(profile);
    const growth = await watch();
    await call('begin', url, integrity);
    const uploading = growth();
    const figures = await call('finish');
    const all = growth();
    await call('unload');
    const {headerMs, lastByteMs, fetchedBytes, times, weightBytes, kvBytes, scratchBytes} = figures;
    const {beganMs, uploadedMs, firstTokenMs} = times;
    console.log(
      `${title} ${seconds(headerMs + firstTokenMs)} s until a token: header ${seconds(headerMs)}, buffers ${seconds(beganMs)}, weights ${seconds(uploadedMs - beganMs)} while kernels compile`,
    );
    console.log(`  ${afterLastByte(times)}`);
    if (fetchedBytes > 65536) {
      console.log(
        `  ${mb(fetchedBytes)} MB came; weights on the GPU ${seconds(uploadedMs - lastByteMs)} s after the last of them`,
      );
    }
    console.log(
      `  above the weights at the peak: ${mb(uploading.sum - weightBytes)} MB while they come, ${mb(all.sum - weightBytes)} MB until the token; keys and values ${mb(kvBytes)}, scratch ${mb(scratchBytes)} MB of it`,
    );
    console.log(`  each process’s own peak, weights included, in MB: ${all.parts}`);
    return figures;
  };

  const {whole, block} = await call('hashes');
  console.log(`hashes: ${whole.toFixed(0)} MB/s of the whole (ours), ${block.toFixed(0)} MB/s of a block (WebCrypto)`);
  await call('forget');
  await call('warm', url);
  const fetched = await call('fetch', url);
  console.log(`network alone      ${seconds(fetched)} s, ${rate(size, fetched)} MB/s`);

  await flow('download          ');
  await call('forget');
  const {adapter, storage} = await load('download          ');
  console.log(`  ${adapter}, stored in ${storage}`);
  for (let i = 0; i < 3; i++) {
    warm(profile);
    const raw = await call('readBlocks');
    console.log(`blocks alone       ${seconds(raw)} s, ${rate(size, raw)} MB/s`);
    warm(profile);
    const checked = await call('readStore', url);
    console.log(`through the store  ${seconds(checked)} s, ${(checked / raw).toFixed(2)} × the blocks alone`);
    const ms = await flow('from the disk     ');
    console.log(`  ${(ms / raw).toFixed(2)} × the blocks alone`);
    const {fresh, again} = await call('upload', url);
    await call('unload');
    const floor = `${(fresh / raw).toFixed(2)} × the blocks alone, though nothing is read`;
    console.log(
      `from memory        ${seconds(fresh)} s to the GPU, ${floor}; ${seconds(again)} s into the same buffers again`,
    );
  }
  await load('from the disk     ');
  const growth = await watch();
  const compiled = await call('compile', url);
  const {sum, parts} = growth();
  await call('unload');
  console.log(`compiling alone    ${seconds(compiled)} s, ${mb(sum)} MB at the peak (${parts})`);
}

/** Reads all that is stored, so that the next pass finds it in the disk's cache. */
function warm(profile: string): void {
  for (const entry of readdirSync(profile, {recursive: true, withFileTypes: true})) {
    if (entry.isFile() && /File System/.test(entry.parentPath)) readFileSync(path.join(entry.parentPath, entry.name));
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

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
const seconds = (ms: number): string => (ms / 1000).toFixed(2);
const rate = (bytes: number, ms: number): string => (bytes / 1000 / ms).toFixed(0);
