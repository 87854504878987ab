// How fast training is: models of published shapes with a rank-16 adapter on all seven projections, batches of four sequences of
// 512 tokens, all of which count; and where the time goes. `node train.mjs [--scratch DIR] [--dry] [--models '270m Q4_0,…']`, bundled
// by pack.mjs.
import {rmSync} from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {engineDefaults} from '../../src/engine/engine-defaults.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import type {GpuTraining} from '../../src/engine/training/gpu-training.ts';
import {createTraining, planTraining} from '../../src/engine/training/index.ts';
import type {BatchLoss, TrainingBatch, TrainingOptions} from '../../src/engine/training/training.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {requestDevice} from '../../src/gpu/device.ts';
import {type KernelTime, Profiler} from '../../src/gpu/profiler.ts';
import {type BigType, writeBigModel} from '../lib/big-model.ts';
import {fileSource} from '../lib/file-source.ts';
import {openAdapter} from './adapter.ts';
import {type Run, runs} from './runs.ts';
import {median} from './step-times.ts';

const {values: options} = parseArgs({
  options: {
    scratch: {type: 'string', default: '/tmp'},
    dry: {type: 'boolean', default: false},
    models: {type: 'string', default: '270m Q4_0,e2b Q4_0'},
    /** Kernels listed. */
    kernels: {type: 'string', default: '40'},
    rounds: {type: 'string', default: '3'},
    'slice-ms': {type: 'string', default: '50'},
  },
});
const [SEQUENCES, LENGTH] = options.dry ? [2, 24] : [4, 512];
const PROJECTIONS = ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'];

function batchOf(vocabulary: number): TrainingBatch {
  const rows = SEQUENCES * LENGTH;
  const tokens = Uint32Array.from({length: rows}, (_, i) => (i * 7919 + 13) % vocabulary);
  return {
    tokens,
    starts: Array.from({length: SEQUENCES}, (_, i) => i * LENGTH),
    labels: Uint32Array.from(tokens, (_, i) => tokens[(i + 1) % rows]),
    weights: Float32Array.from(tokens, (_, i) => (i % LENGTH === LENGTH - 1 ? 0 : 1)),
  };
}

async function finish(run: AsyncGenerator<void, BatchLoss>): Promise<BatchLoss & {slices: number; longest: number}> {
  let longest = 0;
  for (let slices = 0; ; slices++) {
    const before = performance.now();
    const {done, value} = await run.next();
    if (done) return {...value, slices, longest};
    longest = Math.max(longest, performance.now() - before);
  }
}

const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0);

async function measure({name, shape, type}: Run): Promise<void> {
  const {device, info, limits} = await requestDevice(gpu, {profile: true});
  const file = path.join(options.scratch, 'train-model.gguf');
  writeBigModel(file, shape, type as BigType);
  const source = fileSource(file);
  const gguf = await readGguf(source);
  const engine = await loadEngine(source, gguf, device, {
    ...engineDefaults({info, features: device.features, limits}),
    contextLength: 512,
    maxSequences: 2,
  });
  const asked: TrainingOptions = {
    rank: 16,
    alpha: 32,
    targets: PROJECTIONS,
    batchRows: SEQUENCES * LENGTH,
    seed: 1,
    sliceMs: Number(options['slice-ms']),
  };
  const {bytes, parts} = planTraining(gguf, asked);
  const parted = Object.entries(parts).map(([part, size]) => `${part} ${mib(size)}`);
  console.log(`${name}: ${mib(bytes)} MiB (${parted.join(', ')})`);
  const training = (await createTraining(engine, asked)) as GpuTraining;
  const batch = batchOf(engine.vocabSize);
  const times: number[] = [];
  const rounds = Number(options.rounds);
  for (let i = 0; i <= rounds; i++) {
    const start = performance.now();
    const {loss, weight, slices, longest} = await finish(training.accumulate(batch));
    const {gradientNorm} = await training.update(1e-4, weight);
    const ms = performance.now() - start;
    if (i > 0 || rounds === 0) times.push(ms);
    console.log(
      `  ${ms.toFixed(0)} ms, loss ${(loss / weight).toFixed(4)}, gradients ${gradientNorm.toExponential(2)}, ` +
        `${slices} slices, the longest ${longest.toFixed(0)} ms`,
    );
  }
  console.log(`  ${((1000 * batch.tokens.length) / median(times)).toFixed(0)} tokens/s`);
  if (Profiler.supported(device)) {
    training.profiler = new Profiler(device, 'dispatch');
    await finish(training.accumulate(batch));
    table(training.kernelTimes);
  }
  training.destroy();
  engine.destroy();
  await source.close?.();
  rmSync(file, {force: true});
  device.destroy();
}

/** By kernel, and by kernel and shape; the slowest first. */
function table(times: readonly KernelTime[]): void {
  const sums = (key: (time: KernelTime) => string) => {
    const all = new Map<string, {ms: number; dispatches: number}>();
    for (const time of times) {
      const sum = all.get(key(time)) ?? {ms: 0, dispatches: 0};
      sum.ms += time.nanoseconds / 1e6;
      sum.dispatches += time.dispatches;
      all.set(key(time), sum);
    }
    return [...all].sort(([, a], [, b]) => b.ms - a.ms);
  };
  const line = ([key, {ms, dispatches}]: [string, {ms: number; dispatches: number}]) =>
    console.log(`    ${ms.toFixed(2).padStart(9)} ms  ${String(dispatches).padStart(5)} ×  ${key}`);
  const total = times.reduce((sum, {nanoseconds}) => sum + nanoseconds / 1e6, 0);
  console.log(`  GPU, a pass a dispatch: ${total.toFixed(1)} ms`);
  sums(({kernel}) => kernel).forEach(line);
  console.log('  by shape');
  const shape = ({constants}: KernelTime) =>
    ['N_IN', 'N_SLICE_ROWS', 'M', 'N', 'K', 'PARTS', 'QUADS', 'WINDOW', 'N_HEAD', 'GROUPS']
      .filter((constant) => constants[constant] !== undefined)
      .map((constant) => `${constant} ${constants[constant]}`)
      .join(' ');
  sums((time) => `${time.kernel} ${shape(time)}`)
    .slice(0, Number(options.kernels))
    .forEach(line);
}

const {gpu, report} = await openAdapter();
console.log(report.device, report.description);
const wanted = options.models.split(',');
const all = runs(options.dry);
for (const run of options.dry ? all.slice(0, 3) : wanted.map((name) => all.find((one) => one.name === name))) {
  if (!run) throw new Error(`no model among ${options.models}`);
  await measure(run);
}
process.exit(0);
