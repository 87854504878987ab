// From a URL or file to an embedding model on the GPU, and from texts to vectors. Owns the order of a load and what is given back when it fails.

import type {Encoder} from '../engine/encoder/encoder.ts';
import {loadEncoder} from '../engine/encoder/load-encoder.ts';
import {engineDefaults} from '../engine/engine-defaults.ts';
import {readEncoderConfig} from '../engine/model/encoders.ts';
import type {GemmaError} from '../errors.ts';
import type {GgufFile} from '../gguf/gguf-file.ts';
import {readSplitGguf} from '../gguf/read-split.ts';
import {requestDevice} from '../gpu/device.ts';
import type {Embedded, LoadProgress, ModelRef} from '../protocol/messages.ts';
import type {ModelStore} from '../store/model-store.ts';
import {createTokenizerInSlices} from '../tokenizer/create-tokenizer.ts';
import {inSlices} from '../tokenizer/pieces.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';
import {LoadProgressReport} from './load-progress.ts';
import {openModel} from './open-model.ts';

/** An embedding model with its tokenizer. */
export interface LoadedEncoder {
  /** Resolves when its device is gone. */
  readonly lost: Promise<GemmaError>;
  /** @throws GemmaError `option-invalid`, `context-overflow`, `device-lost`; AbortError */
  embed(texts: readonly string[], signal: AbortSignal): Promise<Embedded>;
  destroy(): void;
}

/** @throws GemmaError: the device's, the store's, the reader's, the tokenizer's and the encoder's; AbortError */
export async function loadEncoderModel(
  ref: ModelRef,
  store: Promise<ModelStore>,
  {signal, onProgress}: {signal: AbortSignal; onProgress?: (progress: LoadProgress) => void},
): Promise<LoadedEncoder> {
  const report = new LoadProgressReport((progress) => onProgress?.(progress));
  // First what costs nothing: without a GPU not a byte is fetched.
  const gpu = await requestDevice((navigator as {gpu?: GPU}).gpu);
  try {
    report.begin();
    const opened = await openModel(ref, await store, {signal, onProgress: (progress) => report.store(progress)});
    try {
      report.opened(opened.storage, opened.storedBytes >= opened.source.size);
      const file = await readSplitGguf(opened.files, {signal});
      const {nVocab} = readEncoderConfig(file);
      report.headerRead(Math.min(file.dataOffset, file.size), file.size);
      const tokenizing = createTokenizerInSlices(file.metadata, nVocab, signal);
      tokenizing.catch(() => undefined); // awaited below
      const {variants} = engineDefaults({info: gpu.info, features: gpu.device.features, limits: gpu.limits});
      const encoder = await loadEncoder(opened.source, file, gpu.device, {
        variants,
        onProgress: (loadedBytes, totalBytes) => report.weights(loadedBytes, totalBytes),
        signal,
      });
      const tokenizer = await tokenizing;
      await opened.verify(signal);
      await opened.settle();
      report.ready(file.size);
      return loaded(file, encoder, tokenizer, () => gpu.device.destroy());
    } finally {
      await opened.source.close?.();
    }
  } catch (error) {
    gpu.device.destroy();
    throw error;
  }
}

function loaded(file: GgufFile, encoder: Encoder, tokenizer: Tokenizer, destroyDevice: () => void): LoadedEncoder {
  // The model was trained on texts that end with it, whatever a converter has written.
  const eos = file.metadata.integer('tokenizer.ggml.eos_token_id', tokenizer.idOf('<eos>') ?? 1);
  return {
    lost: encoder.lost,
    async embed(texts, signal) {
      const all: number[][] = [];
      for (const text of texts) all.push([...(await inSlices(tokenizer.encodeInPieces(text), signal)), eos]);
      const vectors = await encoder.embed(all, {signal});
      return {vectors, tokens: all.reduce((sum, {length}) => sum + length, 0)};
    },
    destroy() {
      encoder.destroy();
      destroyDevice();
    },
  };
}
