// What the worker needs of a model that is on the GPU. How it gets there is load-model.ts; tests bring their own.
import type {ChatTemplate} from '../chat/template.ts';
import type {Engine} from '../engine/engine.ts';
import type {ModelOptions} from '../model-options.ts';
import type {LoadProgress, ModelInfo, ModelRef, WorkerStats} from '../protocol/messages.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';

export interface LoadedModel {
  readonly info: ModelInfo;
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
  readonly adapter: WorkerStats['adapter'];
  /** @throws GemmaError `template-invalid`: a model without a template can still complete texts. */
  template(): ChatTemplate;
  /** Frees every GPU object and the device. Idempotent. */
  destroy(): void;
}

/** A load's options as the client gave them, and how it is followed. */
export interface LoadOptions extends ModelOptions {
  onProgress(progress: LoadProgress): void;
  signal: AbortSignal;
}

export type LoadModel = (model: ModelRef, options: LoadOptions) => Promise<LoadedModel>;
