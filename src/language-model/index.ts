// What `gemma-chat/language-model` exports.
export type {Availability} from './availability.ts';
export {CreateMonitor, type CreateOptions} from './create-model.ts';
export * from './language-model.ts';
export type {ClientLoader, ModelConfiguration} from './model-source.ts';
export type {
  LanguageModelCreateCoreOptions,
  LanguageModelExpected,
  LanguageModelParams,
  LanguageModelSamplingMode,
} from './options.ts';
export type {
  LanguageModelMessage,
  LanguageModelMessageContent,
  LanguageModelMessageRole,
  LanguageModelMessageType,
  LanguageModelPrompt,
} from './prompt-input.ts';
export * from './tools.ts';
