// What the worker needs of a model that is on the GPU. How it gets there is load-model.ts; tests bring their own.
import type {ChatTemplate} from '../chat/template.ts';
import type {Engine} from '../engine/engine.ts';
import type {GemmaError} from '../errors.ts';
import type {LoadProgress, ModelInfo, ModelRef, TablePlacementChoice, WorkerStats} from '../protocol/messages.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';

export interface LoadedModel {
  readonly info: ModelInfo;
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
  readonly adapter: WorkerStats['adapter'];
  /** Resolves with `device-lost`. */
  readonly lost: Promise<GemmaError>;
  /** @throws GemmaError `template-invalid`: a model without a template can still complete texts. */
  template(): ChatTemplate;
  /** Frees every GPU object and the device. Idempotent. */
  destroy(): void;
}

export interface LoadOptions {
  contextLength?: number;
  perLayerEmbeddings?: TablePlacementChoice;
  onProgress(progress: LoadProgress): void;
  signal: AbortSignal;
}

export type LoadModel = (model: ModelRef, options: LoadOptions) => Promise<LoadedModel>;
