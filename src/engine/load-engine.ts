// From a GGUF file and a device to a working engine: configuration, weights, KV pool, recording, self-test.
import {hasCode} from '../errors.ts';
import type {ByteSource} from '../gguf/byte-source.ts';
import type {GgmlTypeName} from '../gguf/ggml-types.ts';
import type {GgufFile, TensorInfo} from '../gguf/gguf-file.ts';
import {BufferPool} from '../gpu/buffers.ts';
import {guarded} from '../gpu/device.ts';
import {PipelineCache} from '../gpu/pipelines.ts';
import {explainFailure} from './device-failure.ts';
import type {Engine, EngineOptions} from './engine.ts';
import {GpuEngine} from './gpu-engine.ts';
import {assemble, createWeights, type EngineSizes} from './memory/assemble.ts';
import {HostedRows} from './memory/hosted-rows.ts';
import {planEngine} from './memory/memory-plan.ts';
import {uploadWeights} from './memory/weights.ts';
import {readConfig} from './model/config.ts';
import type {ModelConfig} from './model/model-config.ts';
import {record} from './record.ts';
import {checkKernels, checkRun} from './self-test.ts';

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
  options: EngineOptions = {},
): Promise<Engine> {
  const {signal} = options;
  signal?.throwIfAborted();
  const config = readConfig(file);
  const {limits} = device;
  let {plan, sizes, graph} = planEngine(config, limits, options);

  // What is compiled and checked meanwhile needs no weight. Where it fails, no more bytes are asked for.
  const failing = new AbortController();
  const streaming = AbortSignal.any(signal ? [signal, failing.signal] : [failing.signal]);
  const pool = new BufferPool(device);
  const pipelines = options.pipelines ?? new PipelineCache(device);
  const experts = graph.operations.some(({kind}) => kind === 'topExperts');
  const sound = settled(checkKernels(device, pipelines, typesOf(sizes), {experts}));
  try {
    const ropeFactors = await readRopeFactors(source, config, signal);
    // All it takes is allocated before anything is fetched: only that tells whether the GPU has so much. Then what was
    // made is waited for: error scopes allow no await inside.
    const allocate = () =>
      guarded(device, () => {
        const weights = createWeights(pool, sizes);
        const made = assemble(config, graph, sizes, weights, ropeFactors, pool, options.sharePrefixes);
        return {...made, weights, compiled: settled(record(device, pipelines, made))};
      });
    const assembly = await allocate().catch((error: unknown) => {
      if (!hasCode(error, 'out-of-memory') || plan.perLayerEmbeddings !== 'gpu' || options.perLayerEmbeddings === 'gpu')
        throw error;
      pool.destroy();
      ({plan, sizes, graph} = planEngine(config, limits, {...options, perLayerEmbeddings: 'host'}));
      return allocate();
    });
    const {weights} = assembly;
    const prepared = Promise.all([assembly.compiled, sound]);
    prepared.catch((error) => failing.abort(error));
    const table = options.prefetchTable ? sizes.hosted?.tensor : undefined;
    const tableBytes = table?.byteLength ?? 0;
    let uploaded = 0;
    const onProgress = (loaded: number, total: number): void => {
      uploaded = loaded;
      options.onProgress?.(loaded, total + tableBytes);
    };
    await uploadWeights(device, source, sizes.layouts, weights, pipelines, {signal: streaming, onProgress});
    if (table) {
      await prefetch(source, table, (read) => options.onProgress?.(uploaded + read, uploaded + tableBytes), streaming);
    }
    const [recordings] = await prepared;
    signal?.throwIfAborted();
    const engine = new GpuEngine({
      ...assembly,
      ...recordings,
      file,
      device,
      pool,
      pipelines,
      chunkSize: sizes.chunkSize,
      maxOutputs: sizes.maxOutputs,
      suppressedTokens: (options.suppressedTokens ?? config.suppressedTokens).filter(
        (id) => id >= 0 && id < config.nVocab,
      ),
      hosted: sizes.hosted && {
        rows: new HostedRows(source, sizes.hosted, sizes.chunkSize),
        buffer: weights.get(sizes.hosted.tensor.name)!.slices[0].buffer,
      },
    });
    await checkRun(engine);
    signal?.throwIfAborted();
    return engine;
  } catch (error) {
    pool.destroy();
    await sound.catch(() => undefined); // it has buffers of its own
    throw await explainFailure(device, error, signal);
  }
}

/** Has the source fetch a tensor's bytes, and forgets them. */
async function prefetch(
  source: ByteSource,
  {offset, byteLength}: TensorInfo,
  onRead: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  let read = 0;
  for await (const {length} of source.stream(offset, byteLength, signal)) {
    signal?.throwIfAborted();
    read += length;
    onRead(read);
  }
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
