// Everything of an engine that lies on the GPU, made in one place: weights' buffers, keys and values, scratch, and the
// recordings over them. Loading does it on a device; the memory plan does the same with buffers that only count. Fills
// no weights.
import type {Buffers} from '../../gpu/buffers.ts';
import type {Recording} from '../../gpu/recorder.ts';
import {type DispatchList, Plan, type Rows, type StepBuffers, type StepShape} from '../graph/plan.ts';
import {ropeTable} from '../kernels/kernels.ts';
import {KvCache, PAGE_SIZE} from '../kv/kv-cache.ts';
import type {LayerConfig, ModelConfig} from '../model/config.ts';
import {recordModel} from '../model/models.ts';
import {createKvBuffers, type KvBuffers, type KvPoolSize, sizeKvPool} from './kv-pool.ts';
import {allocateHosted, allocateWeight, layOut, type Weight, type WeightLayout} from './weights.ts';

/** The one table that is read a row a token and may stay in the file. */
export const PER_LAYER_TABLE = 'per_layer_token_embd.weight';

/** Rows of logits are made and read in batches of at most this size: echoing a long prompt must not need a huge buffer. */
const LOGITS_BYTES = 8 * 2 ** 20;

/** What decides the sizes. */
export interface EngineSizes {
  kv: KvPoolSize;
  chunkSize: number;
  maxSequences: number;
  /** Rows that go through the head at once. */
  maxOutputs: number;
  /** In file order, without what stays in the file. */
  layouts: readonly WeightLayout[];
  /** The per-layer embedding table where it stays in the file. */
  hosted: WeightLayout | null;
}

export interface SizeRequest {
  /** The most one buffer may have. */
  maxBufferBytes: number;
  /** The most one slice of a tensor may have. */
  maxSliceBytes: number;
  chunkSize: number;
  maxSequences: number;
  contextLength?: number;
  kvPages?: number;
  kvBytes?: number;
  hostTable: boolean;
}

/** @throws GemmaError `out-of-memory` when a row, or the context asked for, fits no buffer. */
export function sizeEngine(config: ModelConfig, request: SizeRequest): EngineSizes {
  const {chunkSize, maxSequences, hostTable, maxSliceBytes} = request;
  const kv = sizeKvPool(config, {...request, pages: request.kvPages, bytes: request.kvBytes});
  // rope_freqs goes into a table made here, not to the GPU.
  const layouts = [...config.tensors.values()]
    .filter(({name}) => name !== 'rope_freqs.weight')
    .map((tensor) => layOut(tensor, maxSliceBytes));
  const hosted = hostTable ? layouts.find(({tensor}) => tensor.name === PER_LAYER_TABLE) : undefined;
  return {
    kv,
    chunkSize,
    maxSequences,
    maxOutputs: Math.max(1, Math.min(chunkSize, Math.floor(LOGITS_BYTES / (4 * config.nVocab)))),
    layouts: layouts.filter((layout) => layout !== hosted),
    hosted: hosted ?? null,
  };
}

/** Buffers for all weights, by name. */
export function createWeights(buffers: Buffers, {layouts, hosted, chunkSize}: EngineSizes): Map<string, Weight> {
  const weights = layouts.map((layout) => allocateWeight(buffers, layout));
  if (hosted) weights.push(allocateHosted(buffers, hosted, chunkSize));
  return new Map(weights.map((weight) => [weight.name, weight]));
}

/** What is on the GPU beside the weights. */
export interface Assembly {
  cache: KvCache;
  buffers: StepBuffers;
  /** Where the pages of each group lie. */
  kvBuffers: KvBuffers['groups'];
  /** Made at once, compiled in the background. */
  body: Promise<Recording<StepShape>>;
  head: Promise<Recording<StepShape>>;
  /** f32[maxOutputs][nVocab] */
  logits: Rows;
  /** Where logits come back. */
  staging: GPUBuffer;
  /** A page of one layer's keys or values on its way to another page. */
  pageCopy: GPUBuffer;
}

/** @param newRecorder makes an empty list of dispatches */
export function assemble(
  config: ModelConfig,
  sizes: EngineSizes,
  weights: ReadonlyMap<string, Weight>,
  ropeFactors: Float32Array | undefined,
  buffers: Buffers,
  newRecorder: () => DispatchList,
  sharePrefixes = true,
): Assembly {
  const {kv, chunkSize, maxSequences, maxOutputs} = sizes;
  const cache = new KvCache({...kv, maxSequences, sharePrefixes});
  const step = createStepBuffers(buffers, sizes, cache);
  const plan = new Plan(newRecorder, buffers, step, chunkSize);
  const {layers, groups} = createKvBuffers(buffers, config, kv, step.pageTables);
  const forward = recordModel(plan, {
    config,
    weight: (name) => weights.get(name)!,
    frequencies: createFrequencies(buffers, config, kv.contextLength, ropeFactors),
    cache: layers,
    maxOutputs,
  });
  const staging = buffers.createReadback('logits readback', 4 * maxOutputs * forward.logits.width);
  const widest = Math.max(...Object.values(groups).flatMap((rows) => rows.map(({width}) => width)));
  const pageCopy = buffers.create('page on its way', 'scratch', 4 * PAGE_SIZE * widest);
  return {cache, buffers: step, kvBuffers: groups, ...forward, staging, pageCopy};
}

function createStepBuffers(buffers: Buffers, sizes: EngineSizes, cache: KvCache): StepBuffers {
  const {chunkSize, maxOutputs, hosted} = sizes;
  // A row of a hosted table is asked for by its place in the step, not by its token.
  const slots = Uint32Array.from({length: 4 * chunkSize}, (_, i) => (i % 4 === 0 ? i / 4 : 0));
  return {
    step: buffers.createUniform('step', 16),
    rows: buffers.create('rows', 'scratch', 16 * chunkSize),
    slots: hosted ? buffers.createFrom('slots', 'scratch', slots) : null,
    pageTables: {
      full: buffers.create('page tables', 'scratch', cache.tables.full.entries.byteLength),
      sliding: buffers.create('sliding page tables', 'scratch', cache.tables.sliding.entries.byteLength),
    },
    outputRows: buffers.create('output rows', 'scratch', 4 * maxOutputs),
  };
}

/** A RoPE table for each kind of layer. */
function createFrequencies(
  buffers: Buffers,
  {layers}: ModelConfig,
  contextLength: number,
  ropeFactors: Float32Array | undefined,
): (layer: LayerConfig) => GPUBuffer {
  const tables = new Map<string, GPUBuffer>();
  const keyOf = ({headDim, ropeBase, ropeScale, ropeFactors: divided}: LayerConfig) =>
    [headDim, ropeBase, ropeScale, divided].join(' ');
  for (const layer of layers) {
    if (tables.has(keyOf(layer))) continue;
    const {headDim, ropeBase, ropeScale} = layer;
    const divisors = layer.ropeFactors ? ropeFactors : undefined;
    const factors = Array.from({length: headDim / 2}, (_, i) => ropeScale * (divisors?.[i] ?? 1));
    const table = ropeTable(headDim, ropeBase, contextLength, factors);
    tables.set(keyOf(layer), buffers.createFrom(`rope ${keyOf(layer)}`, 'scratch', table));
  }
  return (layer) => tables.get(keyOf(layer))!;
}
