// What `gemma-chat/language-tasks` exports.
export {type DetectedLanguage, LanguageDetector, type LanguageDetectorOptions} from './language-detector.ts';
export {type Correction, Proofreader, type ProofreaderOptions, type ProofreadResult} from './proofreader.ts';
export {Summarizer, type SummarizerOptions} from './summarizer.ts';
export type {TaskCallOptions, TaskOptions} from './task.ts';
export {Translator, type TranslatorOptions} from './translator.ts';
export {Rewriter, type RewriterOptions, Writer, type WriterOptions} from './writer.ts';
