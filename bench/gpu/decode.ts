// What each faster way of decoding brings, beside the floor of the same run: one model after another, one variant after
// another. `node decode.mjs [--scratch DIR] [--seconds N] [--dry]`, bundled by pack.mjs. GPU time is one step's, from the
// pass's first timestamp to its last.
import {rmSync} from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {engineDefaults} from '../../src/engine/engine-defaults.ts';
import type {GpuEngine} from '../../src/engine/gpu-engine.ts';
import {ALL_FUSIONS} from '../../src/engine/graph/fused.ts';
import {PLAIN, type Variants} from '../../src/engine/graph/variants.ts';
import {mulMatFor, type WeightType} from '../../src/engine/kernels/kernels.ts';
import {rowWords} from '../../src/engine/kernels/weight-layout.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {requestDevice} from '../../src/gpu/device.ts';
import {completeConstants} from '../../src/gpu/kernel.ts';
import {PipelineCache} from '../../src/gpu/pipelines.ts';
import {bind} from '../../src/gpu/recorder.ts';
import {type BigType, writeBigModel} from '../lib/big-model.ts';
import {fileSource} from '../lib/file-source.ts';
import {decode, tokens} from '../lib/measure.ts';
import {openAdapter} from './adapter.ts';
import {measureFloor} from './floor.ts';
import {runs} from './runs.ts';
import {median, timeStep} from './step-times.ts';

const {values: options} = parseArgs({
  options: {
    scratch: {type: 'string', default: '/tmp'},
    seconds: {type: 'string', default: '150'},
    dry: {type: 'boolean', default: false},
    models: {type: 'string', default: '270m Q4_0,1b Q4_0,e2b Q4_0'},
    skip: {type: 'string', default: ''},
  },
});
const until = performance.now() + 1000 * Number(options.seconds);

const {gpu, report} = await openAdapter();
console.log(report.device, report.description, report.subgroupSizes.join('–'));
const {device, info, limits} = await requestDevice(gpu, {profile: true});
device.addEventListener('uncapturederror', (event) =>
  console.log('GPU error', (event as GPUUncapturedErrorEvent).error.message.slice(0, 300)),
);
const best: Variants = options.dry
  ? {
      ...PLAIN,
      attention: true,
      products: true,
      outputTail: true,
      teams: true,
      fusions: ALL_FUSIONS,
      subgroups: true,
      subgroupSize: 8,
    }
  : (engineDefaults({info, features: device.features, limits}).variants as Variants);
console.log(JSON.stringify(best));

/** Microseconds of one product of one row by team size; rows of the table: shapes. */
async function sweep(): Promise<void> {
  const pipelines = new PipelineCache(device);
  const querySet = device.createQuerySet({type: 'timestamp', count: 2});
  const resolved = device.createBuffer({size: 16, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC});
  const readback = device.createBuffer({size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST});
  const make = (size: number, usage = GPUBufferUsage.STORAGE) =>
    device.createBuffer({size: Math.ceil(size / 16) * 16, usage: usage | GPUBufferUsage.COPY_DST});
  const step = make(16, GPUBufferUsage.UNIFORM);
  device.queue.writeBuffer(step, 0, Uint32Array.of(1, 1, 1, 0));
  const shapes: [WeightType, number, number][] = options.dry
    ? [['Q4_0', 256, 512]]
    : [
        ['Q4_0', 1536, 12288],
        ['Q4_0', 1536, 24576],
        ['Q4_0', 12288, 1536],
        ['Q4_0', 1536, 2048],
        ['Q4_0', 1536, 256],
        ['Q4_0', 1152, 6912],
        ['Q4_0', 6912, 1152],
        ['Q4_0', 640, 2048],
        ['Q4_0', 2048, 640],
        ['Q4_0', 1536, 262144],
        ['Q5_0', 640, 2048],
        ['Q8_0', 640, 262144],
        ['Q8_0', 1536, 12288],
        ['Q4_K', 2048, 640],
        ['Q4_K', 1536, 12288],
        ['Q6_K', 1536, 12288],
        ['Q6_K', 1536, 262144],
        ['BF16', 1536, 8960],
      ];
  for (const [type, nIn, nOut] of shapes) {
    const words = rowWords(type, nIn);
    const bytes = 4 * words * nOut;
    const copies = Math.max(1, Math.min(40, Math.floor(1.2e9 / bytes)));
    const noise = Uint32Array.from({length: 2 ** 18}, (_, i) => Math.imul(i + 1, 2654435761) & 0x3bff3bff);
    const weights = Array.from({length: copies}, () => {
      const buffer = make(bytes);
      for (let at = 0; at < bytes; at += noise.byteLength) {
        device.queue.writeBuffer(buffer, at, noise, 0, Math.min(noise.length, (bytes - at) / 4));
      }
      return buffer;
    });
    const activations = [make(4 * 262144), make(4 * 262144)];
    const line: string[] = [];
    for (const TEAM of [32, 64, 128, 256]) {
      const WORKGROUP_SIZE = Math.max(64, TEAM);
      const kernel = mulMatFor(type, nIn, 'subgroups');
      const constants = {
        TEAM,
        WORKGROUP_SIZE,
        N_IN: nIn,
        N_SLICE_ROWS: nOut,
        N_OUT: nOut,
        ROW_STRIDE_WORDS: words,
        ROWS: 2,
      };
      const pipeline = await pipelines.get(kernel, constants);
      const grid = kernel.grid({nRows: 1}, completeConstants(kernel, constants));
      const groups = weights.map((weight, i) =>
        bind(device, pipelines, kernel, constants, {step, x: activations[i & 1], weight, y: activations[1 - (i & 1)]}),
      );
      const samples: number[] = [];
      for (let round = 0; round < 6; round++) {
        const encoder = device.createCommandEncoder();
        const timestampWrites = {querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1};
        const pass = encoder.beginComputePass({timestampWrites});
        pass.setPipeline(pipeline);
        for (const group of groups) {
          pass.setBindGroup(0, group);
          pass.dispatchWorkgroups(...grid);
        }
        pass.end();
        encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
        encoder.copyBufferToBuffer(resolved, 0, readback, 0, 16);
        device.queue.submit([encoder.finish()]);
        await readback.mapAsync(GPUMapMode.READ);
        const [from, to] = new BigUint64Array(readback.getMappedRange());
        samples.push(Number(to - from) / 1000 / groups.length);
        readback.unmap();
      }
      line.push(`${TEAM} ${median(samples).toFixed(2)}`);
    }
    const fastest = Math.min(...line.map((text) => Number(text.split(' ').at(-1))));
    console.log(`${type} ${nIn} → ${nOut}: ${line.join('  ')}  µs; best ${(bytes / fastest / 1000).toFixed(0)} GB/s`);
    for (const buffer of [...weights, ...activations]) buffer.destroy();
  }
}

const none = {qkv: false, gated: false, norms: false, prepared: false, normed: 0};
const configurations: Record<string, Variants> = {
  'plain decode': {...best, attention: true, teams: false, subgroups: false, fusions: none},
  'teams, shared': {...best, subgroups: false, fusions: none},
  teams: {...best, fusions: none},
  norms: {...best, fusions: {...none, norms: true}},
  gated: {...best, fusions: {...none, gated: true}},
  qkv: {...best, fusions: {...none, qkv: true}},
  'guaranteed limits': {...best, fusions: ALL_FUSIONS},
  'norms apart': {...best, fusions: {...best.fusions, normed: 0}},
  'every norm in its product': {...best, fusions: {...best.fusions, normed: 2 ** 20}},
  all: best,
};

async function models(): Promise<void> {
  const all = runs(options.dry);
  for (const name of options.dry ? all.slice(0, 1).map((each) => each.name) : options.models.split(',')) {
    const run = all.find((each) => each.name === name);
    if (!run) throw new Error(`no model ${name}`);
    const file = path.join(options.scratch, `decode-${name.replace(/\W/g, '-')}.gguf`);
    writeBigModel(file, run.shape, run.type as BigType);
    const floor = await measureFloor(gpu, run.shape).catch((error: unknown) => console.log(String(error)));
    if (floor) console.log(`${name} floor: ${floor.dispatches} dispatches, ${floor.stepUs.toFixed(0)} µs`);
    for (const [label, variants] of Object.entries(configurations)) {
      if (performance.now() > until) return console.log('out of time');
      if (options.skip.includes(label)) continue;
      const source = fileSource(file);
      try {
        const engine = await loadEngine(source, await readGguf(source), device, {
          contextLength: 1024,
          maxSequences: 9,
          sharePrefixes: false,
          variants,
        });
        const sequence = engine.createSequence();
        await decode(engine, [sequence], options.dry ? 4 : 64);
        const times = await timeStep(
          engine as GpuEngine,
          device,
          () => engine.step([{sequence, tokens: tokens(1), logits: 'last'}]),
          7,
        );
        const speed = await decode(engine, [sequence], options.dry ? 4 : 192);
        const eight = Array.from({length: 8}, () => engine.createSequence());
        await decode(engine, eight, 2);
        const together = await decode(engine, eight, options.dry ? 2 : 24);
        console.log(
          `${name} ${label}: ${times?.dispatches} dispatches, GPU ${times?.gpuUs.toFixed(0)} µs; ${speed.toFixed(0)} tokens/s, eight ${together.toFixed(0)}; scratch ${(engine.stats().scratchBytes / 2 ** 20).toFixed(1)} MiB`,
        );
        if (label === 'all') {
          for (const {kernel, dispatches, us, weightGBs} of times?.kernels.slice(0, 16) ?? []) {
            console.log(
              `    ${kernel} × ${dispatches}: ${us.toFixed(0)} µs${weightGBs ? `, ${weightGBs.toFixed(0)} GB/s` : ''}`,
            );
          }
        }
        engine.destroy();
      } catch (error) {
        console.log(`${name} ${label}: ${error instanceof Error ? error.message.slice(0, 400) : String(error)}`);
      } finally {
        await source.close?.();
      }
    }
    rmSync(file, {force: true});
  }
}

if (!options.skip.includes('models')) await models();
if (!options.skip.includes('sweep')) await sweep();
device.destroy();
process.exit(0);
