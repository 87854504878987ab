// `npm run bench -- pictures [folder of results] [--before FOLDER] [--out docs/pictures]`: draws what bench/gpu measured,
// as SVG: tokens a second over the context beside llama.cpp and the floor, the share of the read bandwidth, and where a
// step's time goes, before and after. Measures nothing.
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';
import type {ModelFigures} from './gpu/model-figures.ts';
import type {Results} from './gpu/results.ts';
import {bars, type Group, lines, type Panel, stacks} from './lib/charts.ts';

interface LlamaResults {
  models: {name: string; flash: LlamaFigures; plain: LlamaFigures}[];
}
interface LlamaFigures {
  decode: Record<string, number>;
}

const read = <T>(file: string): T | null => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null);

/** The better of flash attention on and off, by context. */
function llamaDecode(llama: LlamaResults | null, name: string): Record<string, number> {
  const model = llama?.models.find((each) => each.name === name);
  if (!model) return {};
  const contexts = Object.keys(model.flash.decode);
  return Object.fromEntries(
    contexts.map((context) => [context, Math.max(model.flash.decode[context], model.plain.decode[context] ?? 0)]),
  );
}

const points = (byContext: Record<string, number>): [number, number][] =>
  Object.entries(byContext).map(([context, rate]) => [Number(context), rate]);

function overContext({models}: Results, llama: LlamaResults | null): Panel[] {
  return models.map(({name, decode, floor}) => {
    const ours = points(decode);
    const flat = floor ? ours.map(([context]): [number, number] => [context, floor.tokensPerSecond]) : [];
    return {
      title: name,
      series: [
        {name: 'gemma-chat', points: ours},
        {name: 'llama.cpp, Vulkan', points: points(llamaDecode(llama, name))},
        {name: 'floor of WebGPU, no context', points: flat},
      ].filter((series) => series.points.length > 0),
    };
  });
}

function shareOfBandwidth({models}: Results, before: Results | null): Group[] {
  return models.map(({name, bandwidthShare}) => ({
    title: name,
    bars: [
      {name: 'before', value: before?.models.find((each) => each.name === name)?.bandwidthShare['0'] ?? Number.NaN},
      {name: 'now', value: bandwidthShare['0'] ?? Number.NaN},
    ].filter(({value}) => Number.isFinite(value)),
  }));
}

/** `mul_mat_q4_0 1536 → 6144` counts as `mul_mat_q4_0`. */
function timeByKernel(model: ModelFigures | undefined): {name: string; value: number}[] {
  const sums = new Map<string, number>();
  for (const {kernel, us} of model?.steps.decode?.kernels ?? []) {
    const name = kernel.split(' ')[0];
    sums.set(name, (sums.get(name) ?? 0) + us);
  }
  return [...sums].map(([name, value]) => ({name, value})).sort((a, b) => b.value - a.value);
}

export async function run(args: string[]): Promise<void> {
  const {values, positionals} = parseArgs({
    args,
    allowPositionals: true,
    options: {before: {type: 'string'}, out: {type: 'string', default: 'docs/pictures'}},
  });
  const folder = positionals[0] ?? 'bench/results/nvidia-h200-vulkan';
  const results = read<Results>(path.join(folder, 'gpu.json'));
  if (!results) throw new Error(`${folder} has no gpu.json`);
  const llama = read<LlamaResults>(path.join(folder, 'llama.json'));
  const before = values.before ? read<Results>(path.join(values.before, 'gpu.json')) : null;
  const where = `${results.adapter.device}, commit ${results.commit}`;
  const drawn = {
    'decode-over-context.svg': lines(
      `Decoding: tokens a second over the context (${where})`,
      overContext(results, llama),
    ),
    'bandwidth-share.svg': bars(
      `Decoding at context 0: share of the read bandwidth (${where})`,
      shareOfBandwidth(results, before),
    ),
    'time-by-kernel.svg': stacks(
      `A decode step by kernel, microseconds (${where})`,
      results.models.flatMap((model) => {
        const old = before?.models.find(({name}) => name === model.name);
        return [
          ...(old ? [{title: `${model.name}, before`, parts: timeByKernel(old)}] : []),
          {title: `${model.name}${old ? ', now' : ''}`, parts: timeByKernel(model)},
        ];
      }),
    ),
  };
  mkdirSync(values.out, {recursive: true});
  for (const [name, svg] of Object.entries(drawn)) {
    writeFileSync(path.join(values.out, name), svg);
    console.log(path.join(values.out, name));
  }
}
