// From a GGUF file and a device to a working engine: configuration, weights, KV pool, recording, self-test.
import {hasCode} from '../errors.ts';
import type {ByteSource} from '../gguf/byte-source.ts';
import type {GgmlTypeName} from '../gguf/ggml-types.ts';
import type {GgufFile} from '../gguf/gguf-file.ts';
import {BufferPool} from '../gpu/buffers.ts';
import {guarded, lostError} from '../gpu/device.ts';
import {PipelineCache} from '../gpu/pipelines.ts';
import {explainFailure} from './device-failure.ts';
import type {Engine, EngineOptions} from './engine.ts';
import {GpuEngine} from './gpu-engine.ts';
import {GpuSampling} from './gpu-sampling.ts';
import {PLAIN} from './graph/variants.ts';
import {type Assembly, assemble, createWeights, type EngineSizes} from './memory/assemble.ts';
import {HostedRows} from './memory/hosted-rows.ts';
import {type EnginePlan, planEngine} from './memory/memory-plan.ts';
import {uploadWeights} from './memory/upload.ts';
import type {Weight} from './memory/weights.ts';
import {readConfig} from './model/config.ts';
import type {ModelConfig} from './model/model-config.ts';
import {record} from './record.ts';
import {checkKernels, checkRun, samplesRight} from './self-test.ts';

/**
 * @param source the file's bytes, read once in file order; if the engine `readsSource`, rows of one table also later
 * @param file its header
 * @throws GemmaError: every code of `readConfig`, `gguf-invalid`, `option-invalid`, `out-of-memory`, `shader-invalid`, `device-lost`,
 *   the source's own; AbortError when `signal` aborts. Whatever is thrown, the GPU's memory is given back.
 */
export async function loadEngine(
  source: ByteSource,
  file: GgufFile,
  device: GPUDevice,
  given: EngineOptions = {},
): Promise<Engine> {
  const options = {...given, variants: {...PLAIN, ...given.variants}};
  const {signal} = options;
  signal?.throwIfAborted();
  // Heard here, once; others hear it from `engine.lost`.
  const lost = device.lost.then(lostError);
  const config = readConfig(file);
  const plan = planEngine(config, device.limits, options);
  const pool = new BufferPool(device);
  const pipelines = options.pipelines ?? new PipelineCache(device);
  const experts = plan.graph.operations.some(({kind}) => kind === 'topExperts');
  const checked = settled(checkKernels(device, pipelines, typesOf(plan.sizes), {experts}));
  try {
    const ropeFactors = await readRopeFactors(source, config, signal);
    const allocation = await allocate({device, pool, pipelines, config, ropeFactors, options}, plan);
    const {weights, sizes, compiled} = allocation;
    // Kernels are compiled and checked while the weights arrive. If one fails, no more bytes are requested.
    const ready = Promise.all([compiled, checked]);
    await uploadWeights(device, source, sizes.layouts, weights, pipelines, {
      prefetch: options.prefetchTable ? sizes.hosted?.tensor : undefined,
      onProgress: options.onProgress,
      signal: abortedBy(ready, signal),
    });
    const [recordings] = await ready;
    signal?.throwIfAborted();
    const suppressed = options.suppressedTokens ?? config.suppressedTokens;
    const suppressedTokens = suppressed.filter((id) => id >= 0 && id < config.nVocab);
    const {maxOutputs} = sizes;
    const {sampling} = allocation.assembly;
    const engine = new GpuEngine({
      ...allocation.assembly,
      ...recordings,
      samplingDispatches: sampling?.dispatches ?? [],
      budget: plan.plan.budget,
      sampling:
        sampling &&
        new GpuSampling({
          ...sampling,
          device,
          recording: recordings.choosing,
          nVocab: config.nVocab,
          maxOutputs,
          suppressedTokens,
        }),
      ahead: sizes.variants.ahead,
      file,
      device,
      lost,
      pool,
      pipelines,
      chunkSize: sizes.chunkSize,
      maxOutputs,
      suppressedTokens,
      hosted: sizes.hosted && {
        rows: new HostedRows(source, sizes.hosted, sizes.chunkSize),
        buffer: weights.get(sizes.hosted.tensor.name)!.slices[0].buffer,
      },
    });
    await checkRun(engine);
    if (sampling && sizes.maxSequences > 1 && !(await samplesRight(engine))) engine.sampleOnCpu();
    signal?.throwIfAborted();
    return engine;
  } catch (error) {
    pool.destroy();
    await checked.catch(() => undefined); // it has buffers of its own
    throw await explainFailure(lost, error, signal);
  }
}

/** What everything of an engine is made from. */
interface Ingredients {
  device: GPUDevice;
  pool: BufferPool;
  pipelines: PipelineCache;
  config: ModelConfig;
  ropeFactors: ReadonlyMap<string, Float32Array>;
  options: EngineOptions;
}

/** Everything of an engine that is on the GPU, its weights still empty. */
interface Allocation {
  sizes: EngineSizes;
  weights: Map<string, Weight>;
  assembly: Assembly;
  compiled: ReturnType<typeof record>;
}

/**
 * Makes all buffers before anything is fetched: only that shows whether the GPU has so much memory. Where it does not, and
 * nothing else was asked for, the per-layer table stays with the host.
 */
async function allocate(ingredients: Ingredients, {plan, sizes, graph}: EnginePlan): Promise<Allocation> {
  const {device, pool, pipelines, config, ropeFactors, options} = ingredients;
  try {
    // Error scopes allow no await inside: what compiles is awaited later.
    return await guarded(device, () => {
      const weights = createWeights(pool, sizes);
      const assembly = assemble(config, graph, sizes, weights, ropeFactors, pool, options.sharePrefixes);
      return {sizes, weights, assembly, compiled: settled(record(device, pipelines, assembly.base, assembly.sampling))};
    });
  } catch (error) {
    const movable = plan.perLayerEmbeddings === 'gpu' && options.perLayerEmbeddings !== 'gpu';
    if (!movable || !hasCode(error, 'out-of-memory')) throw error;
    pool.destroy();
    return allocate(ingredients, planEngine(config, device.limits, {...options, perLayerEmbeddings: 'host'}));
  }
}

/** A signal that aborts when `signal` does, and with its reason when `work` fails. */
function abortedBy(work: Promise<unknown>, signal: AbortSignal | undefined): AbortSignal {
  const failing = new AbortController();
  work.catch((error) => failing.abort(error));
  return signal ? AbortSignal.any([signal, failing.signal]) : failing.signal;
}

/** The types of all matrices. */
function typesOf({layouts, hosted}: EngineSizes): Set<GgmlTypeName> {
  const all = hosted ? [...layouts, hosted] : layouts;
  return new Set(all.filter(({nOut}) => nOut > 1).map(({tensor}) => tensor.type));
}

/** Keeps a promise that is awaited later from being reported as unhandled should something else fail first. */
function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** The tensors that divide rotary angles, as f32, by name. */
async function readRopeFactors(
  source: ByteSource,
  {layers, tensors}: ModelConfig,
  signal: AbortSignal | undefined,
): Promise<Map<string, Float32Array>> {
  const factors = new Map<string, Float32Array>();
  for (const name of new Set(layers.map(({ropeFactors}) => ropeFactors))) {
    const tensor = name === null ? undefined : tensors.get(name);
    if (!tensor) continue;
    const bytes = await source.read(tensor.offset, tensor.byteLength, signal);
    factors.set(tensor.name, new Float32Array(bytes.slice().buffer));
  }
  return factors;
}
