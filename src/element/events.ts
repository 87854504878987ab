// The element's events: their names, their details, whether they bubble. `progress`, `load` and `error` mirror the
// platform's own and stay on the element; the `gemma-chat-…` events bubble and cross shadow roots. Dispatches nothing.
import type {GemmaError} from '../errors.ts';
import type {ChatMessage, FinishReason, LoadProgress, ModelInfo, ToolStep, Usage} from '../protocol/messages.ts';
import type {Feedback} from './chat/conversation.ts';

/**
 * `idle` (no model named) → `consent` (poster) → `downloading` ⇄ `paused` → `loading` (on the GPU) → `ready` ⇄ `generating`;
 * `error` from any of them.
 */
export type ChatStatus = 'idle' | 'consent' | 'downloading' | 'paused' | 'loading' | 'ready' | 'generating' | 'error';

export type GemmaChatProgressEvent = CustomEvent<LoadProgress>;
export type GemmaChatLoadEvent = CustomEvent<{model: ModelInfo}>;
/** The detail is the error itself: `code`, `message`, `detail`. */
export type GemmaChatErrorEvent = CustomEvent<GemmaError>;

export interface GemmaChatSendDetail {
  /** What the visitor wrote. */
  readonly content: string;
  readonly reason: 'send' | 'edit' | 'regenerate' | 'continue';
  /**
   * What the model is about to read, the system prompt first. A listener may change it in place or put another list
   * here; the conversation that the visitor sees keeps what was written.
   */
  messages: ChatMessage[];
}
export type GemmaChatSendEvent = CustomEvent<GemmaChatSendDetail>;

export interface GemmaChatMessageDetail {
  /** Unique within the conversation. */
  readonly id: number;
  /** The message so far. An answer's grows from event to event. */
  readonly message: Readonly<ChatMessage>;
  /** False while an answer is still being written. */
  readonly done: boolean;
  /** Answers that are done only: why the model ended; `abort` when it was stopped. */
  readonly finishReason?: FinishReason;
  /** Answers that are done only, where the model got to count. */
  readonly usage?: Usage;
}
export type GemmaChatMessageEvent = CustomEvent<GemmaChatMessageDetail>;

export type GemmaChatStatusEvent = CustomEvent<{readonly status: ChatStatus; readonly previous: ChatStatus}>;

/** Whether the launcher's panel is open now. */
export type GemmaChatToggleEvent = CustomEvent<{readonly open: boolean}>;

export interface GemmaChatFeedbackDetail {
  /** The message's, as in `gemma-chat-message`. */
  readonly id: number;
  readonly message: Readonly<ChatMessage>;
  /** Null when the visitor took it back. */
  readonly rating: Feedback | null;
}
export type GemmaChatFeedbackEvent = CustomEvent<GemmaChatFeedbackDetail>;

export interface GemmaChatActionDetail {
  /** The message's, as in `gemma-chat-message`. */
  readonly id: number;
  readonly message: Readonly<ChatMessage>;
  /** The `value` of the slotted button. */
  readonly action: string;
}
export type GemmaChatActionEvent = CustomEvent<GemmaChatActionDetail>;

export interface GemmaChatToolDetail {
  /** The answer's, as in `gemma-chat-message`. */
  readonly id: number;
  /** The call's place in `message.steps`. */
  readonly index: number;
  readonly name: string;
  /** JSON, as the model wrote it. */
  readonly arguments: string;
  readonly state: ToolStep['state'];
  /** What the model reads of it; empty before. */
  readonly result: string;
}
export type GemmaChatToolEvent = CustomEvent<GemmaChatToolDetail>;

/** A question for which nothing good enough was found in the site's pages. */
export type GemmaChatUnansweredEvent = CustomEvent<{readonly question: string}>;

/** For typed listeners: `GemmaChatEventMap['gemma-chat-send']`. */
export interface GemmaChatEventMap {
  progress: GemmaChatProgressEvent;
  load: GemmaChatLoadEvent;
  error: GemmaChatErrorEvent;
  'gemma-chat-send': GemmaChatSendEvent;
  'gemma-chat-message': GemmaChatMessageEvent;
  'gemma-chat-status': GemmaChatStatusEvent;
  'gemma-chat-feedback': GemmaChatFeedbackEvent;
  'gemma-chat-action': GemmaChatActionEvent;
  'gemma-chat-tool': GemmaChatToolEvent;
  'gemma-chat-toggle': GemmaChatToggleEvent;
  'gemma-chat-unanswered': GemmaChatUnansweredEvent;
}

const LOCAL = new Set<keyof GemmaChatEventMap>(['progress', 'load', 'error']);

/** An event of the element. Which ones bubble and can be cancelled is said once, here. */
export function createEvent<K extends keyof GemmaChatEventMap>(
  type: K,
  detail: GemmaChatEventMap[K]['detail'],
): GemmaChatEventMap[K] {
  const bubbles = !LOCAL.has(type);
  const cancelable = type === 'gemma-chat-send';
  return new CustomEvent(type, {detail, bubbles, composed: bubbles, cancelable}) as GemmaChatEventMap[K];
}
