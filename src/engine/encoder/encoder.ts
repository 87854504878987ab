// The contract of an encoder as worker/ sees it: token ids of texts in, a vector of length one for each out. Knows no text.
import type {GemmaError} from '../../errors.ts';
import type {GgufFile} from '../../gguf/gguf-file.ts';
import type {EngineOptions} from '../engine.ts';

/** How an encoder is loaded. Everything has a default; those of an engine mean the same here. */
export interface EncoderOptions
  extends Pick<EngineOptions, 'onProgress' | 'signal' | 'memoryBudget' | 'maxSliceBytes' | 'variants' | 'pipelines'> {
  /** Rows of a step, and so the tokens of the longest text. Default 2,048; at most the model's context. */
  maxRows?: number;
}

/** One embedding model on one device. Made by `loadEncoder`. */
export interface Encoder {
  readonly file: GgufFile;
  /** Tokens of the longest text. */
  readonly maxTokens: number;
  /** Numbers of a vector. */
  readonly width: number;
  /** Resolves with `device-lost` when the device is gone, if only because it was destroyed. */
  readonly lost: Promise<GemmaError>;
  /**
   * The vectors of texts, f32[width] each, of length one. They are computed in as few steps as they fit; the same text has
   * the same vector alone and among others, bit for bit.
   * @param texts token ids of each, with the tokens that the model's file puts at both ends
   * @throws GemmaError `option-invalid` for an empty text or an id that is not of the vocabulary, `context-overflow` for a
   *   text that is too long, both before anything runs; `device-lost`; AbortError between two steps
   */
  embed(texts: readonly (readonly number[])[], options?: {signal?: AbortSignal}): Promise<Float32Array[]>;
  stats(): {weightBytes: number; kvBytes: number; scratchBytes: number};
  /** Frees every GPU object. Idempotent. */
  destroy(): void;
}
