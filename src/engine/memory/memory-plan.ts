// What a model takes in memory, before a byte of its tensors is fetched: computed from the header and a device's limits
// by the code that later allocates it, so the figures are exact. Whether a GPU has that much is a guess: WebGPU does
// not report how large its memory is. Knows no device.
import {GemmaError} from '../../errors.ts';
import {CountingBuffers} from '../../gpu/counting-buffers.ts';
import type {SizeLimits} from '../../gpu/device.ts';
import {MAX_CONTEXT_LENGTH, TABLE_PLACEMENTS, type TablePlacementChoice} from '../../model-options.ts';
import type {EngineOptions} from '../engine.ts';
import type {Graph} from '../graph/graph.ts';
import {PLAIN} from '../graph/variants.ts';
import {matrixBytes} from '../kernels/weight-layout.ts';
import type {ModelConfig} from '../model/model-config.ts';
import {graphOf} from '../model/registry.ts';
import {assemble, createWeights, type EngineSizes, sizeEngine} from './assemble.ts';
import {hostedRowCapacity} from './hosted-rows.ts';
import {LOAD_PEAK_BYTES} from './upload.ts';

/** Where the per-layer embedding table (`per_layer_token_embd.weight`) is kept; `none` where the model has none. */
export type TablePlacement = Exclude<TablePlacementChoice, 'auto'>;

/** The options of a load that change how much memory it needs. */
export type MemoryOptions = Pick<
  EngineOptions,
  | 'contextLength'
  | 'chunkSize'
  | 'maxSequences'
  | 'kvPages'
  | 'kvBytes'
  | 'maxSliceBytes'
  | 'perLayerEmbeddings'
  | 'memoryBudget'
  | 'variants'
>;

/** All in bytes, except counts of positions and pages. */
export interface MemoryPlan {
  perLayerEmbeddings: TablePlacement | 'none';
  /** Bytes on the GPU, buffer by buffer. */
  gpu: {weights: number; kv: number; scratch: number; total: number};
  /** What the host keeps of a table in the file, at most; 0 where all weights are on the GPU. */
  hostCache: number;
  /** Bytes of the file that stay there and are read a row a token. */
  fileTable: number;
  /** More than that while loading: bytes on their way to the GPU. What the source holds is not counted. */
  loadPeak: number;
  largestBuffer: number;
  contextLength: number;
  kvPages: number;
  /** What the GPU is assumed to have; `Infinity` where nothing can be guessed. */
  budget: number;
}

const DEFAULT_CHUNK = 64;
const DEFAULT_SEQUENCES = 16;
/** From this size on, the largest buffer gives no hint about the memory: browsers and drivers stop at 1, 2 or 4 GiB. */
const TELLING_BUFFER_BYTES = 2 ** 30;
const BUFFERS_IN_MEMORY = 4;

/**
 * A guess at what a GPU can hold: WebGPU reports the size of one buffer only. Small devices have small ones: phones and
 * adapters with the guaranteed 256 MiB are assumed to hold four. From 1 GiB on no guess is made: allocation shows it.
 */
export function guessBudget({maxBufferSize}: SizeLimits): number {
  return maxBufferSize < TELLING_BUFFER_BYTES ? BUFFERS_IN_MEMORY * maxBufferSize : Number.POSITIVE_INFINITY;
}

/**
 * The per-layer table goes to the host if asked to, or if all else fits the budget and it does not. Options that are
 * left out are those of `loadEngine`.
 * @throws GemmaError `out-of-memory`, with the figures in `detail`, when the model fits no way it may be placed or a
 *   buffer exceeds the limits; `option-invalid`
 */
export function planMemory(config: ModelConfig, limits: SizeLimits, options: MemoryOptions = {}): MemoryPlan {
  return planEngine(config, limits, options).plan;
}

/** What `assemble` takes, and what that takes in memory. */
export interface EnginePlan {
  plan: MemoryPlan;
  sizes: EngineSizes;
  graph: Graph;
}

/** The plan of an engine on a device with these limits. Throws as `planMemory` does. */
export function planEngine(config: ModelConfig, limits: SizeLimits, options: MemoryOptions = {}): EnginePlan {
  const {perLayerEmbeddings = 'auto', memoryBudget} = checkOptions(options);
  const budget = memoryBudget ?? guessBudget(limits);
  const graph = graphOf(config);
  const placements: readonly TablePlacement[] =
    config.perLayerTable === null || perLayerEmbeddings === 'gpu'
      ? ['gpu']
      : perLayerEmbeddings === 'host'
        ? ['host']
        : ['gpu', 'host'];
  let last: EnginePlan | undefined;
  for (const placement of placements) {
    last = count(config, graph, limits, options, placement === 'host', budget);
    if (last.plan.gpu.total <= budget) return last;
  }
  throw tooLarge(last!.plan);
}

function count(
  config: ModelConfig,
  graph: Graph,
  limits: SizeLimits,
  options: MemoryOptions,
  hostTable: boolean,
  budget: number,
): EnginePlan {
  const {contextLength, chunkSize = DEFAULT_CHUNK, maxSequences = DEFAULT_SEQUENCES, kvPages, kvBytes} = options;
  const maxBufferBytes = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  const maxSliceBytes = Math.min(maxBufferBytes, options.maxSliceBytes ?? Number.POSITIVE_INFINITY);
  const sizes = sizeEngine(config, {
    maxBufferBytes,
    maxSliceBytes,
    chunkSize,
    maxSequences,
    contextLength,
    kvPages,
    kvBytes,
    hostTable,
    variants: {...PLAIN, ...options.variants},
  });
  const {hosted} = sizes;
  const buffers = new CountingBuffers(limits);
  // The angles take as much room whatever divides them.
  assemble(config, graph, sizes, createWeights(buffers, sizes), new Map(), buffers);
  const {weights, kv, scratch} = buffers.bytes;
  const plan: MemoryPlan = {
    perLayerEmbeddings: hosted ? 'host' : config.perLayerTable === null ? 'none' : 'gpu',
    gpu: {weights, kv, scratch, total: weights + kv + scratch},
    hostCache: hosted
      ? hostedRowCapacity(hosted, chunkSize) * hosted.rowBytes + matrixBytes(hosted.tensor.type, hosted.nIn, chunkSize)
      : 0,
    fileTable: hosted?.tensor.byteLength ?? 0,
    loadPeak: LOAD_PEAK_BYTES,
    largestBuffer: buffers.largest,
    contextLength: sizes.kv.contextLength,
    kvPages: sizes.kv.pages,
    budget,
  };
  return {plan, sizes, graph};
}

function checkOptions(options: MemoryOptions): MemoryOptions {
  const {contextLength, chunkSize, maxSequences, kvPages, memoryBudget, perLayerEmbeddings} = options;
  const check = (name: string, value: number | undefined, max: number) => {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1 && value <= max)) return;
    throw invalidOption(name, value, `an integer from 1 to ${max}`);
  };
  check('contextLength', contextLength, MAX_CONTEXT_LENGTH);
  check('chunkSize', chunkSize, 4096);
  check('maxSequences', maxSequences, 4096);
  check('kvPages', kvPages, 2 ** 20);
  if (memoryBudget !== undefined && !(memoryBudget > 0)) {
    throw invalidOption('memoryBudget', memoryBudget, 'a number of bytes above 0');
  }
  if (perLayerEmbeddings !== undefined && !TABLE_PLACEMENTS.includes(perLayerEmbeddings)) {
    throw invalidOption('perLayerEmbeddings', perLayerEmbeddings, TABLE_PLACEMENTS.join(', '));
  }
  return options;
}

function invalidOption(option: string, value: unknown, expected: string): GemmaError {
  return new GemmaError('option-invalid', `${option} is ${String(value)}; expected ${expected}`, {
    detail: {option, value: String(value)},
  });
}

function tooLarge({gpu, budget, perLayerEmbeddings, contextLength}: MemoryPlan): GemmaError {
  const size = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  const table = perLayerEmbeddings === 'host' ? ', the per-layer embeddings left out' : '';
  return new GemmaError(
    'out-of-memory',
    `the model needs ${size(gpu.total)} on the GPU (weights ${size(gpu.weights)}${table}, a context of ${contextLength} ` +
      `${size(gpu.kv)}, scratch ${size(gpu.scratch)}); this GPU is assumed to hold ${size(budget)}. Choose a smaller model or ` +
      'quantization, or a shorter context',
    {detail: {needed: gpu.total, budget, ...gpu, perLayerEmbeddings, contextLength}},
  );
}
