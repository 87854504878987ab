// From a URL or file to a model on the GPU: opens the bytes, reads the header, asks for a device, hands all to the
// engine. Owns the order of the phases and their share of the progress; who wants the model is model-host.ts's.
import {type ChatTemplate, readTemplate} from '../chat/template.ts';
import {engineDefaults} from '../engine/engine-defaults.ts';
import {loadEngine} from '../engine/load-engine.ts';
import {readConfig} from '../engine/model/config.ts';
import {type ErrorCode, GemmaError, type WireError} from '../errors.ts';
import type {GgufFile, TensorInfo} from '../gguf/gguf-file.ts';
import {readSplitGguf} from '../gguf/read-split.ts';
import {requestDevice} from '../gpu/device.ts';
import type {LoadPhase, ModelInfo, ModelRef, ModelStorage} from '../protocol/messages.ts';
import {wireError} from '../protocol/wire-error.ts';
import type {ModelStore, StoreProgress} from '../store/model-store.ts';
import {checkTokenizerFamily, createTokenizerInSlices} from '../tokenizer/create-tokenizer.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';
import type {LoadedModel, LoadOptions} from './loaded-model.ts';
import {openModel} from './open-model.ts';
import {looksPretrained} from './pretrained.ts';

/** Where each phase ends, of 1; a phase that is left out lasts as long as it does. */
const SHARES: Readonly<Record<Exclude<LoadPhase, 'waiting' | 'retry'>, number>> = {
  connect: 0,
  header: 0.02,
  download: 0.95,
  upload: 0.95,
  compile: 0.97,
  verify: 1,
  ready: 1,
};

/** What is wrong with a file when its header is read: it is not kept then. */
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

/**
 * What is found wrong while weights are read: bytes that were stored as they came may not be those of the file; and a
 * tokenizer, which is built meanwhile.
 */
const DAMAGED: readonly ErrorCode[] = ['gguf-invalid', 'gguf-truncated', 'tokenizer-invalid'];

/** @throws GemmaError: the device's, the store's, the reader's, the tokenizer's and the engine's; AbortError */
export async function loadModel(ref: ModelRef, store: Promise<ModelStore>, options: LoadOptions): Promise<LoadedModel> {
  try {
    return await loadOnce(ref, store, options);
  } catch (error) {
    // The server's file was replaced while it was read: the store has dropped the old blocks, and the new file is there.
    if (!('url' in ref) || !(error instanceof GemmaError) || error.code !== 'file-changed') throw error;
    return loadOnce(ref, store, options);
  }
}

async function loadOnce(ref: ModelRef, store: Promise<ModelStore>, options: LoadOptions): Promise<LoadedModel> {
  const {signal, onProgress: report, ...modelOptions} = options;
  let storage: ModelStorage | undefined;
  let fraction = 0;
  const tell = (phase: LoadPhase, share: number, loadedBytes = 0, totalBytes = 0): void => {
    fraction = share;
    report({phase, fraction, loadedBytes, totalBytes, ...(storage && {storage})});
  };
  // First what costs nothing: without a GPU not a byte is fetched.
  const gpu = await requestDevice((navigator as {gpu?: GPU}).gpu);
  let loaded = false;
  let readsSource = false;
  try {
    tell('header', SHARES.connect);
    let stored: StoreProgress['phase'] | null = null;
    let suitable = false;
    const opened = await openModel(ref, await store, {
      signal,
      onProgress({phase, loadedBytes, totalBytes}) {
        stored = phase;
        if (phase === 'waiting' || phase === 'retry') tell(phase, fraction, loadedBytes, totalBytes);
        // The header's bytes count: a vocabulary has megabytes.
        if (phase === 'download' && !suitable && totalBytes > 0) {
          tell('header', Math.min(SHARES.header, loadedBytes / totalBytes), loadedBytes, totalBytes);
        }
        if (phase !== 'verify') return;
        tell(
          phase,
          SHARES.compile + (loadedBytes / totalBytes) * (SHARES.verify - SHARES.compile),
          loadedBytes,
          totalBytes,
        );
      },
    });
    const {source} = opened;
    ({storage} = opened);
    try {
      const file = await readSplitGguf(opened.files, {signal});
      const config = readConfig(file);
      checkContext(modelOptions.contextLength, config.contextLength);
      checkTokenizerFamily(file.metadata);
      suitable = true;
      // A real vocabulary takes some tenths of a second: in slices, while the first weights come. Where it fails, no more
      // weights are asked for.
      const failing = new AbortController();
      const tokenizing = createTokenizerInSlices(file.metadata, config.nVocab, signal);
      tokenizing.catch((error: unknown) => failing.abort(error));
      const isHere = opened.storedBytes >= source.size;
      const arriving = (): LoadPhase => ((stored === null ? isHere : stored === 'read') ? 'upload' : 'download');
      const headerBytes = Math.min(file.dataOffset, file.size);
      tell(arriving(), SHARES.header, headerBytes, file.size);
      // Without what no load reads, such as a tower for pictures.
      const onProgress = (loadedBytes: number, totalBytes: number): void => {
        const done = loadedBytes >= totalBytes;
        const share = totalBytes > 0 ? loadedBytes / totalBytes : 1;
        const reached = SHARES.header + share * (SHARES.download - SHARES.header);
        tell(done ? 'compile' : arriving(), reached, headerBytes + loadedBytes, headerBytes + totalBytes);
      };
      const engine = await loadEngine(source, file, gpu.device, {
        ...engineDefaults({info: gpu.info, features: gpu.device.features, limits: gpu.limits}),
        ...modelOptions,
        // What stays on the disk is there for good after this; what does not would be fetched in vain.
        prefetchTable: opened.storage === 'opfs' || opened.storage === 'cache',
        onProgress,
        signal: AbortSignal.any([signal, failing.signal]),
      });
      const tokenizer = await tokenizing;
      await opened.verify(signal);
      await opened.settle();
      tell('ready', SHARES.ready, file.size, file.size);
      loaded = true;
      readsSource = engine.readsSource;
      // The form of Gemma 4's larger models differs; these have no per-layer embeddings.
      const large = config.architecture === 'gemma4' && config.nEmbdPerLayer === 0;
      const jinja = tokenizer.chatTemplate ? (await import('../chat/bounded-jinja.ts')).BoundedTemplate : null;
      const template = readTemplate(tokenizer, jinja, {large});
      return {
        engine,
        tokenizer,
        info: {
          ...describeFile(file, source.name),
          contextLength: engine.contextLength,
          trainedContextLength: config.contextLength,
          vocabSize: tokenizer.vocabSize,
          ...describeTemplate(tokenizer, problemOf(template), looksPretrained(file.metadata, source.name)),
          capabilities: capabilitiesOf(template),
        },
        adapter: describeAdapter(gpu.device, gpu.info),
        template,
        destroy() {
          engine.destroy();
          gpu.device.destroy();
          if (readsSource) source.close?.();
        },
      };
    } catch (error) {
      const reasons = suitable ? DAMAGED : UNSUITABLE;
      if (error instanceof GemmaError && reasons.includes(error.code)) await opened.discard();
      throw error;
    } finally {
      if (!readsSource) await source.close?.();
    }
  } finally {
    if (!loaded) gpu.device.destroy();
  }
}

function capabilitiesOf(template: () => ChatTemplate): ModelInfo['capabilities'] {
  try {
    return template().can();
  } catch {
    // It cannot chat at all.
    return {thinking: false, tools: false};
  }
}

function problemOf(template: () => ChatTemplate): WireError | null {
  try {
    template();
    return null;
  } catch (error) {
    return wireError(error);
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

type TemplateInfo = Pick<ModelInfo, 'template' | 'looksPretrained' | 'chatProblem'>;
type FileInfo = Omit<
  ModelInfo,
  'contextLength' | 'trainedContextLength' | 'vocabSize' | 'capabilities' | keyof TemplateInfo
>;

function describeTemplate(tokenizer: Tokenizer, chatProblem: WireError | null, pretrained: boolean): TemplateInfo {
  if (tokenizer.chatTemplate?.trim()) return {template: 'file', looksPretrained: false, chatProblem};
  return {template: chatProblem ? 'missing' : 'built-in', looksPretrained: pretrained, chatProblem};
}

function describeFile(file: GgufFile, source: string): FileInfo {
  const {metadata} = file;
  const tensors = [...file.tensors.values()];
  const baseName = source.split('/').at(-1) ?? source;
  return {
    architecture: metadata.string('general.architecture'),
    name: stringOr(file, 'general.name', baseName.replace(/\.gguf$/i, '')),
    quantization: mainType(tensors),
    parameters: tensors.reduce((sum, tensor) => sum + parameters(tensor), 0),
    fileSize: file.size,
  };
}

/** A name is for reading: one of the wrong type is no reason to refuse a model. */
function stringOr({metadata}: GgufFile, key: string, fallback: string): string {
  const raw = metadata.raw(key);
  return raw?.type === 'string' && raw.value !== '' ? raw.value : fallback;
}

/** The tensor type that most parameters are stored in; `general.file_type` is often wrong. */
function mainType(tensors: readonly TensorInfo[]): string {
  const counts = new Map<string, number>();
  for (const tensor of tensors) counts.set(tensor.type, (counts.get(tensor.type) ?? 0) + parameters(tensor));
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 'unknown';
}

function parameters({shape}: TensorInfo): number {
  return shape.reduce((product, n) => product * n, 1);
}

function describeAdapter(device: GPUDevice, info: GPUAdapterInfo): LoadedModel['adapter'] {
  const {vendor, architecture, device: name, description} = info;
  return {vendor, architecture, device: name, description, features: [...device.features].sort()};
}
