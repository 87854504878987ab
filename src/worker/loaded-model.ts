// What the worker needs of a model that is on the GPU. How it gets there is load-model.ts; tests bring their own.
import type {OutputParser, StopMatcher} from '../chat/text-output.ts';
import type {Engine} from '../engine/engine.ts';
import type {Sampler, SamplerOptions} from '../engine/sampler.ts';
import type {GemmaError} from '../errors.ts';
import type {
  ChatMessage,
  LoadProgress,
  ModelInfo,
  ModelRef,
  ToolDefinition,
  WorkerStats,
} from '../protocol/messages.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';

export interface TemplateInput {
  messages: readonly ChatMessage[];
  tools?: readonly ToolDefinition[];
  thinking?: boolean;
  /** End with the opening of the model's turn. */
  addGenerationPrompt: boolean;
}

export interface LoadedModel {
  readonly info: ModelInfo;
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
  readonly adapter: WorkerStats['adapter'];
  /** Resolves with `device-lost`. */
  readonly lost: Promise<GemmaError>;
  /** The conversation as one string, control tokens written out. @throws GemmaError `template-invalid` */
  render(input: TemplateInput): string;
  /** The same as token ids; nothing a user typed becomes a control token. @throws GemmaError `template-invalid` */
  renderToTokens(input: TemplateInput): number[];
  /** For the answer to such a prompt. */
  createParser(prompt: readonly number[]): OutputParser;
  createStops(strings: readonly string[]): StopMatcher;
  createSampler(options: SamplerOptions): Sampler;
  /** Frees every GPU object and the device. Idempotent. */
  destroy(): void;
}

export interface LoadOptions {
  contextLength?: number;
  onProgress(progress: LoadProgress): void;
  signal: AbortSignal;
}

export type LoadModel = (model: ModelRef, options: LoadOptions) => Promise<LoadedModel>;
