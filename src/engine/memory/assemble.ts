// Everything of an engine that is on the GPU, made in one place: weights' buffers, keys and values, scratch, and the
// dispatches over them. Loading does it on a device; the memory plan does the same with buffers that only count. Fills
// no weights.
import {GemmaError} from '../../errors.ts';
import type {Buffers} from '../../gpu/buffers.ts';
import type {BufferBinding} from '../../gpu/recorder.ts';
import {type AnyOperation, type ConstantTensor, type Graph, inputsOf} from '../graph/graph.ts';
import {activationBytes, planActivations} from '../graph/liveness.ts';
import {type Binding, type Dispatch, lower, type StepBufferName} from '../graph/lowering.ts';
import {overOutputRows} from '../graph/output-tail.ts';
import {type SamplingTensors, samplingDispatches} from '../graph/sampling-lowering.ts';
import {loweringOf, rewrite, type Variants} from '../graph/variants.ts';
import {ropeTable} from '../kernels/kernels.ts';
import {KvCache} from '../kv/kv-cache.ts';
import {PAGE_SIZE} from '../kv/pages.ts';
import type {ModelConfig} from '../model/model-config.ts';
import {packRows, ROW_WORDS, STEP_WORDS} from '../step-data.ts';
import type {BasePass} from './adapted-pass.ts';
import {createKvBuffers, type KvBuffers, type KvPoolSize, sizeKvPool} from './kv-pool.ts';
import {allocateHosted, allocateWeight, layOut, type Weight, type WeightLayout} from './weights.ts';

/** Largest batch of logits: rows beyond it run through the head again, so that echoing a long prompt needs no huge buffer. */
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
  variants: Variants;
}

/** What the sizes of an engine follow from, besides the model. */
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
  variants: Variants;
}

/** @throws GemmaError `out-of-memory` when a row, or the context asked for, fits no buffer. */
export function sizeEngine(config: ModelConfig, request: SizeRequest): EngineSizes {
  const {chunkSize, maxSequences, hostTable, maxSliceBytes} = request;
  const kv = sizeKvPool(config, {...request, pages: request.kvPages, bytes: request.kvBytes});
  // RoPE factors go into tables that are made here.
  const factors = new Set(config.layers.map(({ropeFactors}) => ropeFactors));
  const layouts = [...config.tensors.values()]
    .filter(({name}) => !factors.has(name))
    .map((tensor) => layOut(tensor, maxSliceBytes));
  const hosted = hostTable ? layouts.find(({tensor}) => tensor.name === config.perLayerTable) : undefined;
  return {
    kv,
    chunkSize,
    maxSequences,
    maxOutputs: Math.max(1, Math.min(chunkSize, Math.floor(LOGITS_BYTES / (4 * config.nVocab)))),
    layouts: layouts.filter((layout) => layout !== hosted),
    hosted: hosted ?? null,
    variants: request.variants,
  };
}

/** Buffers for all weights, by name. */
export function createWeights(buffers: Buffers, {layouts, hosted, chunkSize}: EngineSizes): Map<string, Weight> {
  const weights = layouts.map((layout) => allocateWeight(buffers, layout));
  if (hosted) weights.push(allocateHosted(buffers, hosted, chunkSize));
  return new Map(weights.map((weight) => [weight.name, weight]));
}

type OptionalStepBuffer = 'slots' | 'outputStep' | 'outputRowData';

/**
 * The buffers that the engine writes before a step. `slots`: {slot, 0, 0, 0}[chunkSize], row indices 0 … n − 1, written once;
 * for a per-layer embedding table that stays on the host. Optional ones are there if a dispatch reads them.
 */
export type StepBuffers = Readonly<
  Record<Exclude<StepBufferName, OptionalStepBuffer | 'mixes'>, GPUBuffer> &
    Record<OptionalStepBuffer, GPUBuffer | null>
>;

/** What is on the GPU beside the weights, and what runs over it. */
export interface Assembly {
  cache: KvCache;
  buffers: StepBuffers;
  /** Keys and values of each group of layers. */
  kvBuffers: KvBuffers['groups'];
  /** The forward pass without adapters. */
  base: BasePass;
  /** Where logits come back. */
  staging: GPUBuffer;
  /** A page of one layer's keys or values on its way to another page. */
  pageCopy: GPUBuffer;
  /** What chooses tokens, where that is done on the GPU. */
  sampling: {
    dispatches: readonly Dispatch[];
    buffers: Readonly<Record<keyof SamplingTensors, GPUBuffer>>;
    /** Where the chosen tokens come back: of two steps that may be under way. */
    staging: readonly GPUBuffer[];
  } | null;
}

/**
 * @param weights by name
 * @param ropeFactors by the name of their tensor; 1 where it is missing
 */
export function assemble(
  config: ModelConfig,
  forward: Graph,
  sizes: EngineSizes,
  weights: ReadonlyMap<string, Weight>,
  ropeFactors: ReadonlyMap<string, Float32Array>,
  buffers: Buffers,
  sharePrefixes = true,
): Assembly {
  const {kv, chunkSize, maxSequences, maxOutputs} = sizes;
  const cache = new KvCache({...kv, maxSequences, sharePrefixes});
  const {layers, groups} = createKvBuffers(buffers, config, kv);
  const context = {stored: ({name}: {name: string}) => weights.get(name)!};
  // Fused first: the last layer that has keys and values makes its queries with them.
  const fused = rewrite(forward, sizes.variants, context);
  const graph = sizes.variants.outputTail ? overOutputRows(fused) : fused;
  const activationRows = {rows: chunkSize, outputs: maxOutputs};
  const {sizes: bytes, bufferOf: placeOf} = planActivations(graph, activationRows);
  const activations = bytes.map((size, i) => buffers.create(`activations ${i}`, 'scratch', size));
  const constants = new Map(
    constantsOf(graph).map((constant) => {
      const data = contentOf(constant, chunkSize, kv.contextLength, ropeFactors);
      return [constant, buffers.createFrom(constant.name, 'scratch', data)];
    }),
  );
  const lowering = loweringOf(sizes.variants, {
    contextLength: kv.contextLength,
    maxDecodeRows: Math.min(maxSequences, chunkSize),
    maxOutputs,
    maxRows: chunkSize,
  });
  const dispatches = lower(graph, lowering, context);
  const sampling = sizes.variants.sampling ? samplingDispatches(graph.logits, maxOutputs) : null;
  const scratch = createScratch(buffers, [...dispatches, ...(sampling?.dispatches ?? [])]);
  const step = createStepBuffers(buffers, sizes, cache, dispatches);
  const bufferOf = (binding: Binding): BufferBinding => {
    if (typeof binding === 'string') return existing(binding === 'mixes' ? null : step[binding], binding);
    switch (binding.kind) {
      case 'activation': {
        // Its own bytes of a buffer that may be larger: shaders see its end by arrayLength.
        const size = activationBytes(binding, activationRows);
        return {buffer: activations[placeOf.get(binding)!], offset: 0, size};
      }
      case 'slice':
        return existing(weights.get(binding.weight.name)?.slices[binding.index].buffer, binding.weight.name);
      case 'cache':
        return layers[binding.layer][binding.holds].buffer;
      case 'constant':
        return existing(constants.get(binding), binding.name);
      case 'scratch':
        return existing(scratch.get(binding.name), binding.name);
      default:
        return existing(null, binding.kind);
    }
  };
  const {width} = graph.logits;
  const staging = buffers.createReadback('logits readback', 4 * maxOutputs * width);
  const widest = Math.max(...Object.values(groups).flatMap((rows) => rows.map((one) => one.width)));
  const pageCopy = buffers.create('page on its way', 'scratch', 4 * PAGE_SIZE * widest);
  const logits = {buffer: activations[placeOf.get(graph.logits)!], width};
  return {
    cache,
    buffers: step,
    kvBuffers: groups,
    base: {
      forward,
      variants: sizes.variants,
      context,
      lowering,
      rows: activationRows,
      logitsTensor: graph.logits,
      activations,
      scratch,
      dispatches,
      bufferOf,
      logits,
      outputStep: step.outputStep,
      outputRowData: step.outputRowData,
    },
    staging,
    pageCopy,
    sampling: sampling && {
      dispatches: sampling.dispatches,
      buffers: mapValues(sampling.tensors, ({name}) => existing(scratch.get(name), name)),
      staging: [0, 1].map((i) => buffers.createReadback(`samples readback ${i}`, sampling.tensors.results.bytes)),
    },
  };
}

function mapValues<K extends string, A, B>(object: Readonly<Record<K, A>>, map: (value: A) => B): Record<K, B> {
  return Object.fromEntries(Object.entries<A>(object).map(([key, value]) => [key, map(value)])) as Record<K, B>;
}

function createStepBuffers(
  buffers: Buffers,
  {chunkSize, maxOutputs}: EngineSizes,
  cache: KvCache,
  dispatches: readonly Dispatch[],
): StepBuffers {
  const read = new Set(dispatches.flatMap(({bindings}) => Object.values(bindings)));
  // A row of a hosted table is asked for by its place in the step, not by its token.
  const slots = packRows(Array.from({length: chunkSize}, (_, token) => ({token})));
  return {
    step: buffers.createUniform('step', 4 * STEP_WORDS),
    rows: buffers.create('rows', 'scratch', 4 * ROW_WORDS * chunkSize),
    slots: read.has('slots') ? buffers.createFrom('slots', 'scratch', slots) : null,
    pageTables: buffers.create('page tables', 'scratch', cache.tables.full.entries.byteLength),
    slidingPageTables: buffers.create('sliding page tables', 'scratch', cache.tables.sliding.entries.byteLength),
    outputRows: buffers.create('output rows', 'scratch', 4 * maxOutputs),
    outputStep: read.has('outputStep') ? buffers.createUniform('output step', 4 * STEP_WORDS) : null,
    outputRowData: read.has('outputRowData')
      ? buffers.create('rows of outputs', 'scratch', 4 * ROW_WORDS * maxOutputs)
      : null,
  };
}

/** Scratch buffers between dispatches, by name: as large as the largest use. */
function createScratch(buffers: Buffers, dispatches: readonly Dispatch[]): Map<string, GPUBuffer> {
  const sizes = new Map<string, number>();
  for (const binding of dispatches.flatMap(({bindings}) => Object.values(bindings))) {
    if (typeof binding === 'string' || binding.kind !== 'scratch') continue;
    sizes.set(binding.name, Math.max(binding.bytes, sizes.get(binding.name) ?? 0));
  }
  return new Map([...sizes].map(([name, bytes]) => [name, buffers.create(name, 'scratch', bytes)]));
}

/** The constants that the operations of a graph read, each once. */
function constantsOf({operations}: Graph<AnyOperation>): ConstantTensor[] {
  const inputs = operations.flatMap((operation) => inputsOf(operation));
  return [...new Set(inputs.filter((input) => input.kind === 'constant'))];
}

function contentOf(
  {content}: ConstantTensor,
  maxRows: number,
  contextLength: number,
  ropeFactors: ReadonlyMap<string, Float32Array>,
): Float32Array | Uint32Array {
  if (content.type === 'rope') {
    const {headDim, base, scale, factors} = content;
    const divisors = factors ? ropeFactors.get(factors.name) : undefined;
    const all = Array.from({length: headDim / 2}, (_, i) => scale * (divisors?.[i] ?? 1));
    return ropeTable(headDim, base, contextLength, all);
  }
  const {type, values, perRow} = content;
  const all = Array.from(
    {length: perRow ? maxRows * values.length : values.length},
    (_, i) => values[i % values.length],
  );
  return type === 'f32' ? Float32Array.from(all) : Uint32Array.from(all);
}

function existing(buffer: GPUBuffer | null | undefined, name: string): GPUBuffer {
  if (buffer) return buffer;
  throw new GemmaError('internal', `there is no buffer of ${name}`);
}
