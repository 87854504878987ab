// The unattended measurement: adapter, roofline, then model after model until the time is up. The files of results are
// written again after each, so that whatever ends the run leaves what was measured. Bundled by pack.mjs.
//
//   node bundle.mjs measure --out DIR --scratch DIR [--seconds N] [--commit ID] [--tests FILE] [--models A,B]
//     [--variants attention,products,outputTail,subgroups] [--chunk ROWS] [--keep] [--dry]
//     [--file MODEL.gguf [--golden FILE]]   that file instead of generated ones, and beside transformers' values
//   node bundle.mjs list [--dry]                      names and bytes, as JSON
//   node bundle.mjs generate FILE 'NAME' [--dry]      writes that model's file
import {existsSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {requestDevice} from '../../src/gpu/device.ts';
import {bigModelBytes, writeBigModel} from '../lib/big-model.ts';
import {fileSource} from '../lib/file-source.ts';
import {engineOptions} from '../lib/measure.ts';
import {openAdapter} from './adapter.ts';
import {type Floor, measureFloor} from './floor.ts';
import {judgeFile} from './judged.ts';
import {measureModel} from './model-figures.ts';
import type {Results} from './results.ts';
import {measureRoofline} from './roofline.ts';
import {lengths, type Run, runs} from './runs.ts';
import {table} from './table.ts';

const {values: options, positionals} = parseArgs({
  allowPositionals: true,
  options: {
    out: {type: 'string', default: '.'},
    scratch: {type: 'string', default: '/tmp'},
    seconds: {type: 'string', default: '300'},
    commit: {type: 'string', default: process.env.COMMIT ?? 'unknown'},
    tests: {type: 'string'},
    models: {type: 'string'},
    file: {type: 'string'},
    golden: {type: 'string'},
    variants: {type: 'string'},
    chunk: {type: 'string'},
    keep: {type: 'boolean', default: false},
    dry: {type: 'boolean', default: false},
  },
});

const all = runs(options.dry);

function find(name: string): Run {
  const run = all.find((each) => each.name === name);
  if (!run) throw new Error(`no model "${name}"; expected one of ${all.map((each) => each.name).join(', ')}`);
  return run;
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;

/** Bytes a second that generating and loading are sure to reach together. */
const FILE_SPEED = 0.25e9;

async function measure(): Promise<void> {
  const until = performance.now() + 1000 * Number(options.seconds);
  const {gpu, report: adapter} = await openAdapter();
  console.log(`${adapter.device} (${adapter.vendor}), ${adapter.description}; ${adapter.driver ?? 'no nvidia-smi'}`);
  if (adapter.software && !options.dry) throw new Error('this is a software adapter; only a dry run allows one');
  const gpuDevice = await requestDevice(gpu, {profile: true});
  const {device} = gpuDevice;
  void device.lost.then(({reason, message}) => {
    if (reason !== 'destroyed') console.log(`device lost: ${message}`);
  });
  const roofline = await measureRoofline(device, options.dry ? 1 / 256 : 1);
  console.log(JSON.stringify(roofline));

  const results: Results = {
    dry: options.dry,
    date: new Date().toISOString(),
    commit: options.commit,
    adapter,
    tests: options.tests && existsSync(options.tests) ? JSON.parse(readFileSync(options.tests, 'utf8')) : null,
    roofline,
    models: [],
    skipped: [],
  };
  const save = () => {
    writeFileSync(path.join(options.out, 'gpu.json'), `${JSON.stringify(results, null, 1)}\n`);
    writeFileSync(path.join(options.out, 'gpu.md'), table(results));
  };
  save();

  if (options.file) await given(options.file);
  const chosen = options.file ? [] : (options.models?.split(',').map(find) ?? all);
  for (const [i, run] of chosen.entries()) {
    const left = until - performance.now();
    const bytes = bigModelBytes(run.shape, run.type);
    const preparing = (1000 * bytes) / FILE_SPEED;
    if (preparing + 5000 > left) {
      results.skipped.push(`${run.name} (${gigabytes(bytes)}): ${Math.max(0, left / 1000).toFixed(0)} s are left`);
      console.log(`skipped ${results.skipped.at(-1)}`);
      continue;
    }
    // No one may take all that is left from the ones behind.
    const share = Math.min(left, Math.max((2 * left) / (chosen.length - i), preparing + 5000));
    const done = performance.now() + share;
    const file = path.join(options.scratch, `${run.name.replace(' ', '-')}.gguf`);
    try {
      await one(run, file, done);
    } catch (error) {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      results.skipped.push(`${run.name}: ${reason.split('\n')[0]}`);
      console.log(`${run.name} failed: ${reason}`);
      process.exitCode = 1;
    } finally {
      if (!options.keep) rmSync(file, {force: true});
      save();
    }
  }
  device.destroy();

  async function one(run: Run, file: string, done: number): Promise<void> {
    const start = performance.now();
    const size = existsSync(file) ? statSync(file).size : writeBigModel(file, run.shape, run.type);
    const floor = await measureFloor(gpu, run.shape);
    console.log(`${run.name}: ${gigabytes(size)}, written in ${((performance.now() - start) / 1000).toFixed(1)} s`);
    await figuresOf(run.name, file, floor, done);
  }

  /** A file that was given: first beside transformers' values, then its speed, with the kernels that suit the device. */
  async function given(file: string): Promise<void> {
    console.log(`${path.basename(file)}: ${gigabytes(statSync(file).size)}`);
    const report = (line: string) => console.log(`  ${line}`);
    if (options.golden) results.judged = await judgeFile(file, gpuDevice, options.golden, {dry: options.dry, report});
    save();
    if (results.judged?.some(({misses}) => misses.length > 0)) process.exitCode = 1;
    await figuresOf(path.basename(file), file, null, until);
    save();
  }

  async function figuresOf(name: string, file: string, floor: Floor | null, done: number): Promise<void> {
    const source = fileSource(file);
    try {
      await measureModel(name, source, {
        device,
        lengths: lengths(options.dry),
        readGBs: roofline.readGBs,
        engine: engineOptions(gpuDevice, options),
        until: done,
        report: (line) => {
          console.log(`  ${line}`);
          save();
        },
        started: (figures) => void results.models.push(Object.assign(figures, {floor})),
      });
    } finally {
      source.close?.();
    }
  }
}

const [command, file, name] = positionals;
if (command === 'list') {
  const list = all.map((run) => ({name: run.name, bytes: bigModelBytes(run.shape, run.type)}));
  console.log(JSON.stringify({models: list, lengths: lengths(options.dry)}));
} else if (command === 'generate') {
  const {shape, type} = find(name);
  console.log(`${file}: ${writeBigModel(file, shape, type)} bytes`);
} else if (command === 'measure') {
  await measure();
} else {
  throw new Error(`unknown command "${command}"; expected measure, list or generate`);
}
// Dawn keeps the process alive.
process.exit();
