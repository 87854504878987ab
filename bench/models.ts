// `npm run bench -- models`: what the published Gemma models need on a GPU, computed from headers of their sizes by the
// planner that refuses a model before its download. The table of docs/models.md; with `--training` what training takes beside
// them, that of docs/training.md. Nothing is run or measured.

import {DENSE_SHAPES, type DenseShape} from '../scripts/model-files/dense-shapes.ts';
import {GEMMA3N_PUBLISHED} from '../scripts/model-files/gemma3n-published.ts';
import {GEMMA4_PUBLISHED} from '../scripts/model-files/gemma4-published.ts';
import {ggufHeader} from '../scripts/model-files/gguf-writer.ts';
import {modelMetadata, planTensors, type Shape} from '../scripts/model-files/model.ts';
import {planMemory} from '../src/engine/memory/memory-plan.ts';
import {readConfig} from '../src/engine/model/config.ts';
import type {ModelConfig} from '../src/engine/model/model-config.ts';
import {planTraining} from '../src/engine/training/index.ts';
import {tensorBytes} from '../src/gguf/ggml-types.ts';
import type {GgufFile} from '../src/gguf/gguf-file.ts';
import {readGguf} from '../src/gguf/read-gguf.ts';
import {TRAINING_DEFAULTS} from '../src/protocol/training.ts';
import {memorySource} from '../src/store/sources/memory-source.ts';
import {type BigType, typedLikePublished} from './lib/big-model.ts';

const gemma3: DenseShape = {
  ...DENSE_SHAPES.gemma3,
  vocabSize: 262_208,
  headDim: 256,
  slidingWindow: 1024,
  contextLength: 131_072,
  ropeScale: 8,
};
const small3 = {
  ...gemma3,
  vocabSize: 262_144,
  nHead: 4,
  nHeadKv: 1,
  slidingWindow: 512,
  contextLength: 32_768,
  ropeScale: 0,
};
const gemma2: DenseShape = {...DENSE_SHAPES.gemma2, vocabSize: 256_000, slidingWindow: 4096, contextLength: 8192};

const MODELS: Record<string, Shape> = {
  'Gemma 4 E2B': GEMMA4_PUBLISHED.e2b,
  'Gemma 4 E4B': GEMMA4_PUBLISHED.e4b,
  'Gemma 4 12B': GEMMA4_PUBLISHED['12b'],
  'Gemma 4 26B-A4B': GEMMA4_PUBLISHED['26b-a4b'],
  'Gemma 4 31B': GEMMA4_PUBLISHED['31b'],
  'Gemma 3 270M': {...small3, layers: 18, nEmbd: 640, nFf: 2048},
  'Gemma 3 1B': {...small3, layers: 26, nEmbd: 1152, nFf: 6912},
  'Gemma 3 4B': {...gemma3, layers: 34, nEmbd: 2560, nFf: 10_240, nHead: 8, nHeadKv: 4},
  'Gemma 3 12B': {...gemma3, layers: 48, nEmbd: 3840, nFf: 15_360, nHead: 16, nHeadKv: 8},
  'Gemma 3 27B': {...gemma3, layers: 62, nEmbd: 5376, nFf: 21_504, nHead: 32, nHeadKv: 16, headDim: 128},
  'Gemma 3n E2B': GEMMA3N_PUBLISHED.e2b,
  'Gemma 3n E4B': GEMMA3N_PUBLISHED.e4b,
  'Gemma 2 2B': {...gemma2, layers: 26, nEmbd: 2304, nFf: 9216, nHead: 8, nHeadKv: 4, headDim: 256},
  'Gemma 2 9B': {...gemma2, layers: 42, nEmbd: 3584, nFf: 14_336, nHead: 16, nHeadKv: 8, headDim: 256},
  'Gemma 2 27B': {...gemma2, layers: 46, nEmbd: 4608, nFf: 36_864, nHead: 32, nHeadKv: 16, headDim: 128},
};

const TYPES: readonly BigType[] = ['Q4_0', 'Q4_K_M', 'Q8_0'];
/** A desktop's: tensors are bound whole up to 2 GiB. */
const LIMITS = {maxStorageBufferBindingSize: 2 ** 31 - 4, maxBufferSize: 2 ** 31};
const READ_AHEAD = 2 ** 23;
const CONTEXTS = [4096, 32_768];

async function headerOf(shape: Shape, type: BigType): Promise<{size: number; file: GgufFile; config: ModelConfig}> {
  const tensors = typedLikePublished(planTensors(shape, type === 'Q4_K_M' ? 'Q4_K' : type), type).map((plan) => ({
    ...plan,
    byteLength: tensorBytes(plan.type, plan.shape),
  }));
  const header = ggufHeader({
    metadata: modelMetadata(shape, type === 'Q4_K_M' ? 'mixed' : type, 'published', 1),
    tensors,
  });
  const weights = tensors.reduce((sum, {byteLength}) => sum + byteLength + 32, 0);
  // The planner reads no tensor: of what lies behind the header, so much as the reader fetches ahead has to be there.
  const fetched = new Uint8Array(header.length + READ_AHEAD);
  fetched.set(header);
  const size = Math.max(header.length + weights, fetched.length);
  const file = await readGguf({...memorySource(fetched), size});
  return {size: weights, file, config: readConfig(file)};
}

const gb = (bytes: number): string => (bytes / 1e9).toFixed(2);

const mib = (bytes: number): string => Math.ceil(bytes / 2 ** 20).toLocaleString('en');

/** What training takes beside each model: the types of its weights do not matter. */
async function training(): Promise<void> {
  const {targets} = TRAINING_DEFAULTS;
  const few = ['attn_q', 'attn_v'];
  const columns = [
    {rank: 16, targets, batchRows: 512},
    {rank: 16, targets, batchRows: 256},
    {rank: 8, targets, batchRows: 256},
    {rank: 8, targets: few, batchRows: 256},
  ];
  const heads = columns.map(
    (each) => `rank ${each.rank}${each.targets === few ? ', q and v' : ''}, ${each.batchRows} rows`,
  );
  console.log(`| model | ${heads.join(' | ')} | adapter's file, rank 16 |`);
  console.log(`| --- |${' ---: |'.repeat(columns.length + 1)}`);
  for (const [name, shape] of Object.entries(MODELS)) {
    const {file} = await headerOf(shape, 'Q8_0');
    const planned = (options: (typeof columns)[number]) => planTraining(file, {...options, alpha: 32, seed: 0});
    try {
      const figures = columns.map((options) => planned(options).bytes);
      console.log(`| ${[name, ...[...figures, planned(columns[0]).parts.adapter].map(mib)].join(' | ')} |`);
    } catch (error) {
      console.log(`| ${name} | ${(error as Error).message} |`);
    }
  }
}

export async function run(args: string[]): Promise<void> {
  if (args.includes('--training')) return training();
  console.log('| model | type | weights | on the GPU | 4,096: one | 4,096: pool | 32,768: one | 32,768: pool |');
  console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const [name, shape] of Object.entries(MODELS)) {
    for (const type of TYPES) {
      const {size, config} = await headerOf(shape, type);
      for (const perLayerEmbeddings of config.nEmbdPerLayer > 0 ? (['gpu', 'host'] as const) : (['gpu'] as const)) {
        const plan = (context: number, kvBytes?: number) =>
          planMemory(config, LIMITS, {
            contextLength: Math.min(context, config.contextLength),
            perLayerEmbeddings,
            memoryBudget: Number.MAX_SAFE_INTEGER,
            kvBytes,
          }).gpu;
        // A budget of nothing leaves what one conversation needs.
        const totals = CONTEXTS.flatMap((context) => [plan(context, 1).total, plan(context).total]);
        const where = perLayerEmbeddings === 'host' ? ', table on the host' : '';
        const figures = [size, plan(CONTEXTS[0]).weights, ...totals];
        console.log(`| ${[`${name}${where}`, type, ...figures.map(gb)].join(' | ')} |`);
      }
    }
  }
}
