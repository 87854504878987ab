// What `gemma-chat/client` exports.
export {ERROR_CODES, type ErrorCode, GemmaError, isAbort} from '../errors.ts';
export type {
  AdapterInfo,
  AdapterUse,
  FinishReason,
  LoadPhase,
  LoadProgress,
  ModelInfo,
  ModelInspection,
  ModelStorage,
  StoredModelInfo,
  StoredModels,
  ToolCall,
  ToolDefinition,
  Usage,
  WorkerStats,
} from '../protocol/messages.ts';
export type {AdapterLoadOptions, AdaptersApi} from './adapters.ts';
export {type ApplyTemplateOptions, GemmaClient, type LoadOptions, type TokenizeOptions} from './gemma-client.ts';
export type {ModelSrc} from './model-src.ts';
export type {InspectOptions, ModelsOptions, StoredModelsApi} from './models.ts';
export type * from './shapes.ts';
