// The contract of the engine as chat/ and worker/ see it: tokens in, logits out. Knows no text, no messages and no network.
import type {GemmaError} from '../errors.ts';
import type {GgufFile} from '../gguf/gguf-file.ts';
import type {PipelineCache} from '../gpu/pipelines.ts';
import type {ModelOptions} from '../model-options.ts';
import type {Variants} from './graph/variants.ts';
import type {PageCounts, PageGroup} from './kv/pages.ts';
import type {Choice} from './sampling/choice.ts';

/** The low-rank term of one matrix: y += scale · B(Ax). Of the embedding table the row of token t gets scale · B · a[t]. */
export interface LowRankFactors {
  /** The base's tensor: `blk.0.attn_q.weight`. */
  readonly tensor: string;
  readonly rank: number;
  /** f32[rank][nIn]; of `token_embd.weight` f32[nVocab][rank]. */
  readonly a: Float32Array<ArrayBuffer>;
  /** f32[nOut][rank] */
  readonly b: Float32Array<ArrayBuffer>;
  /** alpha / rank, or what the file says. */
  readonly scale: number;
}

/** An adapter that an engine has loaded. */
export interface EngineAdapter {
  /** Tensors whose terms have no effect: keys and values of layers that use those of another layer, norms. */
  readonly dropped: readonly string[];
  /** What its factors take on the GPU. */
  readonly bytes: number;
}

/** An adapter that a sequence uses. */
export interface SequenceAdapter {
  readonly adapter: EngineAdapter;
  /** Multiplies its effect; 0: it has none. */
  readonly scale: number;
  /** The position from which on it has effect. Default 0. */
  readonly from?: number;
}

/** One conversation's keys and values. */
export interface Sequence {
  /** Token ids whose keys and values are in the cache, in order. */
  readonly tokens: readonly number[];
  /**
   * Attaches the keys and values of more of `prompt` if other sequences have computed them since; `prompt` begins with
   * what this sequence holds. Returns how many positions it then holds.
   */
  attachPrefix(prompt: readonly number[]): number;
  /**
   * Cuts it back to its first `length` tokens: for an edited message, or tokens that were computed ahead and not taken.
   * Returns how many positions it then holds: fewer where sliding layers no longer have what the next position sees; feed
   * the rest again. Not while a step with this sequence is running.
   * @throws GemmaError `internal` when it holds fewer than `length`
   */
  truncate(length: number): number;
  /** Another sequence with the same contents. Nothing is copied until one of the two writes. */
  clone(): Sequence;
  /** Releases its pages. Their contents are kept until the room is needed. The sequence must not be used afterwards. */
  free(): void;
}

/** A piece of work for one step: `tokens` follow what the sequence holds. */
export interface StepInput {
  sequence: Sequence;
  tokens: readonly number[];
  /** Which rows' logits come back: none, the last row's, or every row's. */
  logits: 'none' | 'last' | 'all';
  /** f32[vocabSize]: where the last row's logits are written, instead of into a new array. */
  into?: Float32Array;
  /**
   * With `last`: the token that follows, to be chosen on the GPU. Where the GPU chose, the choice says what, and no logits
   * come back.
   */
  choice?: Choice;
}

/** What an engine holds on the GPU, and what its most recent token took. */
export interface EngineStats {
  weightBytes: number;
  /** Adapters, and what steps with adapters need besides. */
  adapterBytes: number;
  kvBytes: number;
  scratchBytes: number;
  /** Pages of keys and values by group of layers. */
  kvPages: Readonly<Record<PageGroup, PageCounts>>;
  sequences: number;
  /** Of the most recent one-token step. */
  perToken: {dispatches: number; submits: number; bytesWritten: number; bytesRead: number; objectsCreated: number};
}

/** How an engine is loaded. Everything has a default. */
export interface EngineOptions extends ModelOptions {
  /** Rows of the largest prefill chunk. Default 64. */
  chunkSize?: number;
  /** Called with the file bytes that are loaded so far, and with all that will be. */
  onProgress?: (loadedBytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
  /** Sequences that may live at once. Default 16. */
  maxSequences?: number;
  /** Pages of 32 positions of the full-attention layers that all sequences share. Default: by `kvBytes`. */
  kvPages?: number;
  /** Bytes of keys and values, never less than one full context. Default: see `sizeKvPool`. */
  kvBytes?: number;
  /** Whether equal beginnings share pages. Default true; false is for tests and for measuring. */
  sharePrefixes?: boolean;
  /** Ids that are never to be sampled. Default: the file's `tokenizer.ggml.suppress_tokens`. */
  suppressedTokens?: readonly number[];
  /**
   * Reads such a table once while loading: for a source that keeps on the disk what was streamed, so that no step waits
   * for a network. Default false.
   */
  prefetchTable?: boolean;
  /** Bytes that the GPU is assumed to hold. Default: a guess from its limits (see memory-plan.ts). */
  memoryBudget?: number;
  /** Cuts tensors into smaller slices than the device needs: for tests. */
  maxSliceBytes?: number;
  /** Which faster kernels stand in for the plain ones. Default: what suits the device (graph/variants.ts). */
  variants?: Partial<Variants>;
  /** Pipelines that were compiled on this device before. Those that are missing are compiled and added. */
  pipelines?: PipelineCache;
}

/** One model on one device: sequences of tokens, and steps that extend them. Made by `loadEngine`. */
export interface Engine {
  readonly file: GgufFile;
  readonly contextLength: number;
  readonly chunkSize: number;
  readonly vocabSize: number;
  /** Steps read rows from the source: it must stay open until `destroy`. */
  readonly readsSource: boolean;
  /** Resolves with `device-lost` when the device is gone, if only because it was destroyed. */
  readonly lost: Promise<GemmaError>;
  /** Whether the sequence could grow by this many positions without taking any from another. */
  roomFor(sequence: Sequence, positions: number): boolean;
  /**
   * A sequence that already holds the longest beginning of `prompt` whose keys and values are known: those that were
   * computed with the same adapters.
   * @throws GemmaError `out-of-memory` when `maxSequences` are alive, `closed` for an adapter that was unloaded,
   *   `option-invalid` for more than 4 adapters
   */
  createSequence(prompt?: readonly number[], adapters?: readonly SequenceAdapter[]): Sequence;
  /**
   * Puts an adapter on the GPU while steps go on. Sequences without it compute the same bits as before and after, as long
   * as any adapter is loaded.
   * @throws GemmaError `out-of-memory`: then nothing has changed
   */
  loadAdapter(terms: readonly LowRankFactors[]): Promise<EngineAdapter>;
  /** Takes an adapter off the GPU. No sequence may use it any more: its steps would fail with `closed`. */
  unloadAdapter(adapter: EngineAdapter): Promise<void>;
  /**
   * Runs one step over the rows of all inputs (at most `chunkSize` rows in all) and returns for every input the
   * logits asked for: f32[rows][vocabSize], after soft-capping, with suppressed tokens at -Infinity.
   * @throws GemmaError `context-overflow` before anything is written, `device-lost`, `out-of-memory`; with
   *   `readsSource` also the source's own, before anything is written.
   */
  step(inputs: readonly StepInput[]): Promise<Float32Array[][]>;
  stats(): EngineStats;
  /** Frees every GPU object. Idempotent. */
  destroy(): void;
}
