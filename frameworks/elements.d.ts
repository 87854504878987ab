// Made from custom-elements.json by scripts/framework-types.mjs.
// What every framework's declarations are made of.
import type {GemmaChatElement, GemmaChatModelElement, GemmaChatEventMap} from '../dist/types/src/index.d.ts';

export type {GemmaChatElement, GemmaChatModelElement};

/** What a template may set on `<gemma-chat>`: attributes, and properties. */
export interface GemmaChatProps
  extends Partial<Pick<GemmaChatElement, 'modelSrc' | 'integrity' | 'loading' | 'consent' | 'localFiles' | 'systemPrompt' | 'contextLength' | 'temperature' | 'topK' | 'topP' | 'minP' | 'maxTokens' | 'seed' | 'adapterSrc' | 'adapterScale' | 'workerSrc' | 'placeholder' | 'label' | 'disabled' | 'history' | 'historyKey' | 'historyStore' | 'display' | 'open' | 'images' | 'feedback' | 'showSpeed' | 'showNames' | 'showTimes' | 'showAvatars' | 'thinking' | 'contextOverflow' | 'starters' | 'suggestions' | 'name' | 'valueFormat' | 'shortcuts' | 'enterKey' | 'strings' | 'beforeSend' | 'tools' | 'knowledgeSrc' | 'knowledgeIntegrity' | 'knowledgeSelector' | 'knowledge' | 'messages' | 'client'>> {
  /** URL of a GGUF file, or `hf:owner/repo/file.gguf[@revision]`; of a split model its first part. The property also takes a `File` or `Blob`, or an array with all files of a split model. */
  'model-src'?: string | null;
  /** Lets the visitor choose or drop a model file of their own, also where the page names a model. */
  'local-files'?: boolean;
  /** What the model is told before the conversation. Read at every message. */
  'system-prompt'?: string | null;
  /** Tokens a conversation may have; null leaves it to the model. Read when the model is loaded. */
  'context-length'?: number | string | null;
  /** Draw among this many of the likeliest tokens; 0 for all. */
  'top-k'?: number | string | null;
  /** Draw among the likeliest tokens that together have this probability. */
  'top-p'?: number | string | null;
  /** Leave out tokens less likely than this share of the likeliest one's probability. */
  'min-p'?: number | string | null;
  /** Tokens an answer may have; null for as many as fit. */
  'max-tokens'?: number | string | null;
  /** URL of a LoRA adapter that answers are given with: a GGUF file or `adapter_model.safetensors`; the property also takes a `File`. Read at every message. */
  'adapter-src'?: string | null;
  /** Multiplies the adapter's effect. */
  'adapter-scale'?: number | string | null;
  /** URL of `gemma-chat.worker.js` where it is not beside the script. Read when the model is loaded. */
  'worker-src'?: string | null;
  /** Which chats see them: those of the `origin`, those of the same `path`, or those with the same key of any other name. */
  'history-key'?: string | null;
  /** Whether the line beneath the text field tells the tokens a second. */
  'show-speed'?: boolean;
  /** Whether each message says who wrote it. */
  'show-names'?: boolean;
  /** Whether each message says when it was written. */
  'show-times'?: boolean;
  /** Whether there are pictures beside messages where the page has slotted none. */
  'show-avatars'?: boolean;
  /** When the conversation no longer fits into the model's context: `truncate-oldest` leaves the oldest turns out, with a line in the list where the model begins to read; `stop` shows the error `context-overflow`. */
  'context-overflow'?: GemmaChatElement['contextOverflow'];
  /** What a form sends: `json`, a list of `{role, content}`, or `text`. */
  'value-format'?: GemmaChatElement['valueFormat'];
  /** What Enter does in the text field: `send`, or `newline`. By default it sends, but for a keyboard on the screen. */
  'enter-key'?: GemmaChatElement['enterKey'];
  /** Folder of the index of the site's pages that `npx gemma-chat index` made: answers come from it, with sources. */
  'knowledge-src'?: string | null;
  /** SHA-256 of the index's manifest, as the command prints it. */
  'knowledge-integrity'?: string | null;
  /** Which part of the page `knowledge="page"` reads; null for its main content. */
  'knowledge-selector'?: string | null;
}

/** Events of `<gemma-chat>`. */
export interface GemmaChatEvents {
  /** The model came a step closer to ready. Does not bubble. */
  progress: GemmaChatEventMap['progress'];
  /** The model is ready; again after every new load. Does not bubble. */
  load: GemmaChatEventMap['load'];
  /** Loading or answering failed; the detail is a GemmaError. Does not bubble. */
  error: GemmaChatEventMap['error'];
  /** The model is about to be asked. Cancelable; a listener may change what the model reads. */
  'gemma-chat-send': GemmaChatEventMap['gemma-chat-send'];
  /** A message was added, or the answer grew; `done` tells which. */
  'gemma-chat-message': GemmaChatEventMap['gemma-chat-message'];
  /** `status` has changed. */
  'gemma-chat-status': GemmaChatEventMap['gemma-chat-status'];
  /** The launcher's panel was opened or closed. */
  'gemma-chat-toggle': GemmaChatEventMap['gemma-chat-toggle'];
  /** The visitor pressed a button that the page has slotted as `message-button`. */
  'gemma-chat-action': GemmaChatEventMap['gemma-chat-action'];
  /** The model called a tool of `tools`, or something came of it. */
  'gemma-chat-tool': GemmaChatEventMap['gemma-chat-tool'];
  /** The site's pages do not answer a question. */
  'gemma-chat-unanswered': GemmaChatEventMap['gemma-chat-unanswered'];
  /** The visitor rated an answer, or took it back. */
  'gemma-chat-feedback': GemmaChatEventMap['gemma-chat-feedback'];
}

/** What a template may set on `<gemma-chat-model>`: attributes, and properties. */
export interface GemmaChatModelProps
  extends Partial<Pick<GemmaChatModelElement, 'modelSrc' | 'integrity' | 'workerSrc' | 'contextLength'>> {
  /** As of `<gemma-chat>`: a URL or `hf:…`; the property also takes a `File`, a `Blob` or the files of a split model. */
  'model-src'?: string | null;
  /** URL of `gemma-chat.worker.js` where it is not beside the script. Read when the model is loaded. */
  'worker-src'?: string | null;
  /** Tokens a conversation may have; null leaves it to the model. Read when the model is loaded. */
  'context-length'?: number | string | null;
}

/** Events of `<gemma-chat-model>`. */
export interface GemmaChatModelEvents {
}
