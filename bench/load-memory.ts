// `npm run bench -- load-memory [file.gguf] [--model e2b] [--type Q4_K_M] [--in node,chromium] [--tables gpu,host] [--keep]`:
// what loading takes beside the weights, at its peak, in JavaScript and on the GPU together. On software adapters GPU
// buffers are memory of the process, so resident memory counts both. Without a file one of random weights is made
// (`--model`, `--type`: see lib/big-model.ts), streamed to the disk. Linux only.
import {fork} from 'node:child_process';
import {statSync, unlinkSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {findGpu, preferLavapipe} from '../scripts/lib/gpu.ts';
import {readGguf} from '../src/gguf/read-gguf.ts';
import {requestDevice} from '../src/gpu/device.ts';
import {type BigShape, type BigType, writeBigModel} from './lib/big-model.ts';
import {bundle} from './lib/bundle.ts';
import {fileSource} from './lib/file-source.ts';
import type {LoadFigures, Table} from './lib/load-figures.ts';
import type {LoadBench} from './lib/load-page.ts';
import {afterLastByte, timeLoad} from './lib/load-times.ts';
import {family, forgetPeak, peak, resident} from './lib/resident.ts';

declare const loadBench: LoadBench;

interface Measured extends LoadFigures {
  adapter: string;
  /** Resident bytes: with device and header before, at the highest point, and loaded. */
  before: number;
  peak: number;
  after: number;
}

export async function run(args: string[]): Promise<void> {
  const {values, positionals} = parseArgs({
    args,
    allowPositionals: true,
    options: {
      model: {type: 'string', default: 'e2b'},
      type: {type: 'string', default: 'Q4_K_M'},
      in: {type: 'string', default: 'node,chromium'},
      tables: {type: 'string', default: 'gpu,host'},
      keep: {type: 'boolean'},
      child: {type: 'boolean'},
    },
  });
  if (values.child) return measureHere(positionals[0], values.tables as Table);
  const made = positionals.length === 0;
  const file = positionals[0] ?? path.join(os.tmpdir(), `load-memory-${values.model}-${values.type}.gguf`);
  if (made) writeBigModel(file, values.model as BigShape, values.type as BigType);
  try {
    console.log(`${path.basename(file)}: ${mib(statSync(file).size)} MiB`);
    for (const place of values.in.split(',')) {
      for (const table of values.tables.split(',') as Table[]) {
        print(place, table, await (place === 'node' ? inNode(file, table) : inChromium(file, table)));
      }
    }
  } finally {
    if (made && !values.keep) unlinkSync(file);
  }
  process.exit(0);
}

/** In a process of its own: what an earlier load left behind would hide the next one's peak. */
function inNode(file: string, table: Table): Promise<Measured> {
  const script = path.join(import.meta.dirname, '../scripts/bench.mjs');
  const child = fork(script, ['load-memory', file, '--child', '--tables', table], {execArgv: []});
  return new Promise((resolve, reject) => {
    child.once('message', (measured) => resolve(measured as Measured));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the measuring process ended with ${code}`)));
  });
}

async function measureHere(file: string, perLayerEmbeddings: Table): Promise<void> {
  await preferLavapipe();
  const {device, info} = await requestDevice(await findGpu());
  const source = fileSource(file);
  const header = await readGguf(source);
  const pids = ['self'] as const;
  const before = resident(pids);
  forgetPeak(pids);
  const {engine, times} = await timeLoad(source, header, device, {perLayerEmbeddings});
  const highest = peak(pids);
  const {weightBytes, kvBytes, scratchBytes} = engine.stats();
  const measured: Measured = {
    adapter: info.description || info.device,
    before,
    peak: highest,
    after: resident(pids),
    weightBytes,
    kvBytes,
    scratchBytes,
    times,
  };
  process.send!(measured, () => process.exit(0));
}

/** Of all the browser's processes: the page's JavaScript is in one, the GPU's buffers in another. */
async function inChromium(file: string, table: Table): Promise<Measured> {
  // Not for the process that is measured: these are large.
  const {launch} = await import('../scripts/lib/browser.mjs');
  const before = new Set(family(process.pid));
  const browser = await launch();
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    // WebGPU wants a page that counts as secure.
    const html = {contentType: 'text/html', body: '<input type="file">'};
    await page.route('http://localhost/', (route) => route.fulfill(html));
    await page.goto('http://localhost/');
    await page.addScriptTag({content: await bundle(path.join(import.meta.dirname, 'lib/load-page.ts'))});
    await page.locator('input').setInputFiles(file);
    const adapter = await page.evaluate(() => loadBench.open());
    const pids = family(process.pid).filter((pid) => !before.has(pid));
    const at = resident(pids);
    forgetPeak(pids);
    const figures = await page.evaluate((each) => loadBench.load(each), table);
    return {adapter, before: at, peak: peak(pids), after: resident(pids), ...figures};
  } finally {
    await browser.close();
  }
}

function print(place: string, table: Table, measured: Measured): void {
  const {adapter, before, weightBytes, kvBytes, scratchBytes, times} = measured;
  const above = measured.peak - before - weightBytes;
  console.log(`${place}, table on the ${table}: ${adapter}`);
  console.log(
    `  weights ${mib(weightBytes)}, keys and values ${mib(kvBytes)}, scratch ${mib(scratchBytes)} MiB on the GPU`,
  );
  console.log(
    `  resident ${mib(before)} before, ${mib(measured.peak)} at the peak, ${mib(measured.after)} after ${(times.readyMs / 1000).toFixed(1)} s`,
  );
  console.log(`  ${afterLastByte(times)}`);
  console.log(
    `  above the weights at the peak: ${mib(above)} MiB; without keys, values and scratch, which stay: ${mib(above - kvBytes - scratchBytes)} MiB`,
  );
}

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
