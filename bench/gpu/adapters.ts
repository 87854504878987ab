// What adapters cost a decode step: a model of E2B's shape with a rank-16 adapter on all seven projections, beside the same
// step without. `node adapters.mjs [--scratch DIR] [--dry] [--model 'e2b Q4_0']`, bundled by pack.mjs.
import {rmSync} from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';
import type {LowRankFactors, Sequence, SequenceAdapter} from '../../src/engine/engine.ts';
import {engineDefaults} from '../../src/engine/engine-defaults.ts';
import type {GpuEngine} from '../../src/engine/gpu-engine.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {requestDevice} from '../../src/gpu/device.ts';
import {type BigType, writeBigModel} from '../lib/big-model.ts';
import {fileSource} from '../lib/file-source.ts';
import {decode, prefill, tokens} from '../lib/measure.ts';
import {openAdapter} from './adapter.ts';
import {runs} from './runs.ts';
import {median, timeStep} from './step-times.ts';

const {values: options} = parseArgs({
  options: {
    scratch: {type: 'string', default: '/tmp'},
    dry: {type: 'boolean', default: false},
    model: {type: 'string', default: 'e2b Q4_0'},
  },
});
const RANK = 16;
const PROJECTIONS = /^blk\.\d+\.(attn_(q|k|v|output)|ffn_(gate|up|down))\.weight$/;

const {gpu, report} = await openAdapter();
console.log(report.device, report.description);
const {device, info, limits} = await requestDevice(gpu, {profile: true});
device.addEventListener('uncapturederror', (event) =>
  console.log('GPU error', (event as GPUUncapturedErrorEvent).error.message.slice(0, 300)),
);
const all = runs(options.dry);
const run = options.dry ? all[0] : all.find(({name}) => name === options.model);
if (!run) throw new Error(`no model ${options.model}`);
const name = path.join(options.scratch, 'adapters-model.gguf');
writeBigModel(name, run.shape, run.type as BigType);
const source = fileSource(name);
const file = await readGguf(source);
const defaults = engineDefaults({info, features: device.features, limits});
const engine = (await loadEngine(source, file, device, {
  ...defaults,
  contextLength: 2048,
  maxSequences: 9,
  sharePrefixes: false,
})) as GpuEngine;

function adapterTerms(seed: number): LowRankFactors[] {
  return [...file.tensors.values()]
    .filter(({name: tensor}) => PROJECTIONS.test(tensor))
    .map(({name: tensor, shape: [nIn, nOut]}) => {
      const values = (count: number) =>
        Float32Array.from({length: count}, (_, i) => (((i * 2654435761 + seed) >>> 8) % 2001) / 1e5 - 0.01);
      return {tensor, rank: RANK, a: values(RANK * nIn), b: values(RANK * nOut), scale: 1};
    });
}

const fresh = (uses: readonly SequenceAdapter[] = []): Sequence => engine.createSequence([], uses);
const count = options.dry ? 4 : 96;
let without = Number.NaN;

/** GPU time of a step, and tokens a second as they are generated: of one, and of these eight. */
async function figures(label: string, eight: readonly (readonly SequenceAdapter[])[]): Promise<void> {
  const one = fresh(eight[0]);
  await decode(engine, [one], 4);
  const times = await timeStep(
    engine,
    device,
    () => engine.step([{sequence: one, tokens: tokens(1), logits: 'last'}]),
    9,
  );
  const single: number[] = [];
  for (let i = 0; i < 5; i++) single.push(await decode(engine, [one], count));
  const several = eight.map((uses) => fresh(uses));
  await decode(engine, several, 2);
  const together: number[] = [];
  for (let i = 0; i < 3; i++) together.push(await decode(engine, several, count / 2));
  for (const sequence of [one, ...several]) sequence.free();
  const prompt = fresh(eight[0]);
  await prefill(engine, prompt, options.dry ? 16 : 512);
  prompt.free();
  const again = fresh(eight[0]);
  const start = performance.now();
  await prefill(engine, again, options.dry ? 16 : 512);
  const prefillMs = performance.now() - start;
  again.free();
  const step = 1000 / median(single);
  if (Number.isNaN(without)) without = step;
  const ratio = (step / without).toFixed(3);
  console.log(
    `${label}: ${times?.dispatches} dispatches, GPU ${times?.gpuUs.toFixed(0)} µs; a step ${step.toFixed(3)} ms, ${ratio} ×; ` +
      `eight together ${median(together).toFixed(0)} tokens/s; 512 tokens of a prompt ${prefillMs.toFixed(0)} ms`,
  );
  for (const {kernel, dispatches, us} of times?.kernels.slice(0, 14) ?? []) {
    console.log(`    ${kernel} × ${dispatches}: ${us.toFixed(0)} µs`);
  }
}

const none = Array.from({length: 8}, () => []);
await figures('no adapter loaded', none);
const loading = performance.now();
const first = await engine.loadAdapter(adapterTerms(1));
console.log(`loaded in ${(performance.now() - loading).toFixed(0)} ms, ${(first.bytes / 2 ** 20).toFixed(1)} MiB`);
await figures('one loaded, none used', none);
await figures(
  'the same for all',
  none.map(() => [{adapter: first, scale: 1}]),
);
const others = [first];
for (let i = 1; i < 8; i++) others.push(await engine.loadAdapter(adapterTerms(1 + i)));
await figures(
  'eight loaded, each row its own',
  others.map((adapter) => [{adapter, scale: 1}]),
);
for (const adapter of others) await engine.unloadAdapter(adapter);
await figures('none loaded any more', none);
engine.destroy();
await source.close?.();
rmSync(name, {force: true});
device.destroy();
process.exit(0);
