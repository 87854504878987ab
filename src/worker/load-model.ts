// From a URL or file to a model on the GPU: device, bytes, header, then weights and tokenizer side by side. Owns this order
// and what is given back when a step of it fails; which clients want the model is model-host.ts's.
import {type ChatTemplate, hasGemma4Turns, hasTemplate, readTemplate} from '../chat/template.ts';
import type {Engine} from '../engine/engine.ts';
import {engineDefaults} from '../engine/engine-defaults.ts';
import {loadEngine} from '../engine/load-engine.ts';
import {readConfig} from '../engine/model/config.ts';
import type {ModelConfig} from '../engine/model/model-config.ts';
import {type ErrorCode, GemmaError} from '../errors.ts';
import type {GgufFile} from '../gguf/gguf-file.ts';
import {readSplitGguf} from '../gguf/read-split.ts';
import {type Device, requestDevice} from '../gpu/device.ts';
import type {ModelOptions} from '../model-options.ts';
import type {ModelRef} from '../protocol/messages.ts';
import type {ModelStore} from '../store/model-store.ts';
import {checkTokenizerFamily, createTokenizerInSlices} from '../tokenizer/create-tokenizer.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';
import {LoadProgressReport} from './load-progress.ts';
import type {LoadedModel, LoadOptions} from './loaded-model.ts';
import {describeAdapter, modelInfo} from './model-info.ts';
import {type OpenedModel, openModel} from './open-model.ts';

/** Errors of a header: a file with one of these is not kept. */
const UNSUITABLE: readonly ErrorCode[] = [
  'not-gguf',
  'gguf-version',
  'gguf-invalid',
  'architecture-unsupported',
  'quant-unsupported',
  'tensor-missing',
  'tensor-shape',
  'config-invalid',
  'tokenizer-invalid',
];

/** Errors of weights and tokenizer: bytes that were stored as they came may not be those of the file. */
const DAMAGED: readonly ErrorCode[] = ['gguf-invalid', 'gguf-truncated', 'tokenizer-invalid'];

/**
 * Loads a model.
 * @throws GemmaError: the device's, the store's, the reader's, the tokenizer's and the engine's; AbortError
 */
export async function loadModel(ref: ModelRef, store: Promise<ModelStore>, options: LoadOptions): Promise<LoadedModel> {
  try {
    return await loadOnce(ref, store, options);
  } catch (error) {
    // The server's file was replaced while it was read: the store has dropped the old blocks, and the new file is there.
    if (!('url' in ref) || !(error instanceof GemmaError) || error.code !== 'file-changed') throw error;
    return loadOnce(ref, store, options);
  }
}

/** One load on its way. */
interface Load {
  gpu: Device;
  opened: OpenedModel;
  options: ModelOptions;
  report: LoadProgressReport;
  signal: AbortSignal;
}

async function loadOnce(
  ref: ModelRef,
  store: Promise<ModelStore>,
  {signal, onProgress, ...options}: LoadOptions,
): Promise<LoadedModel> {
  const report = new LoadProgressReport(onProgress);
  // First what costs nothing: without a GPU not a byte is fetched.
  const gpu = await requestDevice((navigator as {gpu?: GPU}).gpu);
  try {
    report.begin();
    const opened = await openModel(ref, await store, {signal, onProgress: (progress) => report.store(progress)});
    report.opened(opened.storage, opened.storedBytes >= opened.source.size);
    return await loadOpened({gpu, opened, options, report, signal});
  } catch (error) {
    gpu.device.destroy();
    throw error;
  }
}

/** Closes the source unless the engine goes on reading it. */
async function loadOpened(load: Load): Promise<LoadedModel> {
  const {opened, gpu, report} = load;
  const {source} = opened;
  try {
    const header = await discardingIf(UNSUITABLE, opened, () => readHeader(load));
    const {file, config} = header;
    report.headerRead(Math.min(file.dataOffset, file.size), file.size);
    const {engine, tokenizer} = await discardingIf(DAMAGED, opened, () => loadWeights(header, load));
    const template = await templateOf(tokenizer, config);
    report.ready(file.size);
    if (!engine.readsSource) await source.close?.();
    return {
      engine,
      tokenizer,
      template,
      info: modelInfo({
        file,
        source: source.name,
        contextLength: engine.contextLength,
        trainedContextLength: config.contextLength,
        tokenizer,
        template,
      }),
      adapter: describeAdapter(gpu.device, gpu.info),
      destroy() {
        engine.destroy();
        gpu.device.destroy();
        if (engine.readsSource) source.close?.();
      },
    };
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

/** What a file's first bytes say of it. */
interface Header {
  file: GgufFile;
  config: ModelConfig;
}

async function readHeader({opened, options, signal}: Load): Promise<Header> {
  const file = await readSplitGguf(opened.files, {signal});
  const config = readConfig(file);
  checkContext(options.contextLength, config.contextLength);
  checkTokenizerFamily(file.metadata);
  return {file, config};
}

/** Weights to the GPU and, meanwhile, the tokenizer; then the file's hash, where one is expected. */
async function loadWeights({file, config}: Header, load: Load): Promise<{engine: Engine; tokenizer: Tokenizer}> {
  const {gpu, opened, options, report, signal} = load;
  // A real vocabulary takes some tenths of a second: in slices, while the first weights arrive. If it fails, no more weights
  // are asked for.
  const failing = new AbortController();
  const tokenizing = createTokenizerInSlices(file.metadata, config.nVocab, signal);
  tokenizing.catch((error: unknown) => failing.abort(error));
  const engine = await loadEngine(opened.source, file, gpu.device, {
    ...engineDefaults({info: gpu.info, features: gpu.device.features, limits: gpu.limits}),
    ...options,
    // What stays on the disk is there for good after this; what does not would be fetched in vain.
    prefetchTable: opened.storage === 'opfs' || opened.storage === 'cache',
    onProgress: (loadedBytes, totalBytes) => report.weights(loadedBytes, totalBytes),
    signal: AbortSignal.any([signal, failing.signal]),
  });
  const tokenizer = await tokenizing;
  await opened.verify(signal);
  await opened.settle();
  return {engine, tokenizer};
}

/** The interpreter of chat templates is fetched for a file that has one, Gemma 4's own form for one that has none. */
async function templateOf(tokenizer: Tokenizer, config: ModelConfig): Promise<() => ChatTemplate> {
  // The form of Gemma 4's larger models differs; these have no per-layer embeddings.
  const large = config.architecture === 'gemma4' && config.nEmbdPerLayer === 0;
  const own = hasTemplate(tokenizer);
  const writers = {
    jinja: own ? (await import('../chat/bounded-jinja.ts')).BoundedTemplate : null,
    gemma4: !own && hasGemma4Turns(tokenizer) ? (await import('../chat/gemma4-template.ts')).renderGemma4 : null,
  };
  return readTemplate(tokenizer, writers, {large});
}

/** Removes a file from the store whose error shows that it is the wrong one, or damaged. */
async function discardingIf<T>(codes: readonly ErrorCode[], opened: OpenedModel, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GemmaError && codes.includes(error.code)) await opened.discard();
    throw error;
  }
}

function checkContext(asked: number | undefined, trained: number): void {
  if (asked === undefined || asked <= trained) return;
  throw new GemmaError(
    'option-invalid',
    `contextLength is ${asked}; this model was trained for ${trained}. Ask for at most that`,
    {detail: {option: 'contextLength', trainedContextLength: trained}},
  );
}
