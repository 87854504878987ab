// From a GGUF file and a device to a working engine: configuration, weights, KV pool, recording, self-test.
import {GemmaError} from '../errors.ts';
import type {ByteSource} from '../gguf/byte-source.ts';
import type {GgufFile} from '../gguf/gguf-file.ts';
import {BufferPool} from '../gpu/buffers.ts';
import {guarded} from '../gpu/device.ts';
import {PipelineCache} from '../gpu/pipelines.ts';
import {type LayerConfig, type ModelConfig, readConfig} from './config.ts';
import {explainFailure} from './device-failure.ts';
import type {Engine, EngineOptions} from './engine.ts';
import {GpuEngine} from './gpu-engine.ts';
import {ropeTable} from './kernels/kernels.ts';
import {KvCache} from './kv-cache.ts';
import {createKvBuffers, sizeKvPool} from './kv-pool.ts';
import {recordModel} from './models/models.ts';
import {Plan, type StepBuffers} from './plan.ts';
import {checkKernels, checkRun} from './self-test.ts';
import {layOut, uploadWeights} from './weights.ts';

const DEFAULT_CHUNK = 64;
const DEFAULT_SEQUENCES = 8;
/** Rows of logits are made and read in batches of at most this size: echoing a long prompt must not need a huge buffer. */
const LOGITS_BYTES = 8 * 2 ** 20;

/**
 * @param source the file's bytes, read once in file order
 * @param file its header
 * @throws GemmaError: every code of `readConfig`, `option-invalid`, `out-of-memory`, `shader-invalid`, `device-lost`,
 *   the source's own; AbortError when `signal` aborts. Whatever is thrown, the GPU's memory is given back.
 */
export async function loadEngine(
  source: ByteSource,
  file: GgufFile,
  device: GPUDevice,
  options: EngineOptions = {},
): Promise<Engine> {
  const {signal} = options;
  signal?.throwIfAborted();
  const config = readConfig(file);
  const {chunkSize, maxSequences} = checkOptions(options);
  const suppressedTokens = options.suppressedTokens ?? suppressedIn(file);
  const maxBufferBytes = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  const kv = sizeKvPool(config, {...options, maxSequences, pages: options.kvPages, maxBufferBytes});
  const cache = new KvCache({...kv, maxSequences});
  const maxSliceBytes = Math.min(maxBufferBytes, options.maxSliceBytes ?? Number.POSITIVE_INFINITY);
  // rope_freqs goes into a table made here, not to the GPU.
  const layouts = [...config.tensors.values()]
    .filter(({name}) => name !== 'rope_freqs.weight')
    .map((tensor) => layOut(tensor, maxSliceBytes));

  const pool = new BufferPool(device);
  try {
    const pipelines = new PipelineCache(device);
    const types = new Set(layouts.filter(({nOut}) => nOut > 1).map(({tensor}) => tensor.type));
    await checkKernels(device, pipelines, types);
    const ropeFactors = await readRopeFactors(source, config, signal);
    const weights = await uploadWeights(device, pool, source, layouts, options);
    const maxOutputs = Math.max(1, Math.min(chunkSize, Math.floor(LOGITS_BYTES / (4 * config.nVocab))));

    // What is made is checked, and only then waited for: error scopes allow no await inside.
    const recorded = await guarded(device, () => {
      const buffers = createStepBuffers(pool, chunkSize, cache, maxOutputs);
      const plan = new Plan(device, pipelines, pool, buffers, chunkSize);
      const frequencies = createFrequencies(pool, config, kv.contextLength, ropeFactors);
      const forward = recordModel(plan, {
        config,
        weight: (name) => weights.get(name)!,
        frequencies,
        cache: createKvBuffers(pool, config, kv.pages),
        maxOutputs,
      });
      return {buffers, logits: forward.logits, compiled: settled(Promise.all([forward.body, forward.head]))};
    });
    const [body, head] = await recorded.compiled;
    signal?.throwIfAborted();
    const engine = new GpuEngine({
      file,
      device,
      pool,
      pipelines,
      cache,
      buffers: recorded.buffers,
      body,
      head,
      logits: recorded.logits,
      chunkSize,
      maxOutputs,
      suppressedTokens: suppressedTokens.filter((id) => id >= 0 && id < config.nVocab),
    });
    await checkRun(engine);
    signal?.throwIfAborted();
    return engine;
  } catch (error) {
    pool.destroy();
    throw await explainFailure(device, error);
  }
}

/** Keeps a promise that is awaited later from being reported as unhandled should something else fail first. */
function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

function checkOptions(options: EngineOptions): {chunkSize: number; maxSequences: number} {
  const {contextLength, chunkSize = DEFAULT_CHUNK, maxSequences = DEFAULT_SEQUENCES, kvPages} = options;
  const check = (name: string, value: number, max: number) => {
    if (Number.isSafeInteger(value) && value >= 1 && value <= max) return;
    throw new GemmaError('option-invalid', `${name} is ${value}; expected an integer from 1 to ${max}`, {
      detail: {option: name, value: String(value)},
    });
  };
  if (contextLength !== undefined) check('contextLength', contextLength, 2 ** 20);
  check('chunkSize', chunkSize, 4096);
  check('maxSequences', maxSequences, 4096);
  if (kvPages !== undefined) check('kvPages', kvPages, 2 ** 20);
  return {chunkSize, maxSequences};
}

function suppressedIn({metadata}: GgufFile): number[] {
  const key = 'tokenizer.ggml.suppress_tokens';
  return metadata.has(key) ? Array.from(metadata.numericArray(key)) : [];
}

/** `rope_freqs.weight` as f32, or undefined where no layer uses it. */
async function readRopeFactors(
  source: ByteSource,
  config: ModelConfig,
  signal: AbortSignal | undefined,
): Promise<Float32Array | undefined> {
  const tensor = config.tensors.get('rope_freqs.weight');
  if (!tensor) return undefined;
  const bytes = await source.read(tensor.offset, tensor.byteLength, signal);
  return new Float32Array(bytes.slice().buffer);
}

/** A RoPE table for each kind of layer. */
function createFrequencies(
  pool: BufferPool,
  {layers}: ModelConfig,
  contextLength: number,
  ropeFactors: Float32Array | undefined,
): (layer: LayerConfig) => GPUBuffer {
  const tables = new Map<string, GPUBuffer>();
  const keyOf = ({headDim, ropeBase, ropeFactors: scaled}: LayerConfig) => `${headDim} ${ropeBase} ${scaled}`;
  for (const layer of layers) {
    if (tables.has(keyOf(layer))) continue;
    const factors = layer.ropeFactors ? ropeFactors : undefined;
    const table = ropeTable(layer.headDim, layer.ropeBase, contextLength, factors);
    tables.set(keyOf(layer), pool.createFrom(`rope ${keyOf(layer)}`, 'scratch', table));
  }
  return (layer) => tables.get(keyOf(layer))!;
}

function createStepBuffers(pool: BufferPool, chunkSize: number, cache: KvCache, maxOutputs: number): StepBuffers {
  const {UNIFORM, COPY_DST} = GPUBufferUsage;
  return {
    step: pool.create('step', 'scratch', 16, UNIFORM | COPY_DST),
    rows: pool.create('rows', 'scratch', 16 * chunkSize),
    pageTables: pool.create('page tables', 'scratch', cache.tables.byteLength),
    outputRows: pool.create('output rows', 'scratch', 4 * maxOutputs),
  };
}
