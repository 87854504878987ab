// The one status of a chat, the error that is shown, and the way to the page: what its parts (the model's session, the
// conversation) share. Knows neither.
import type {GemmaClient} from '../../client/index.ts';
import type {ModelSrc} from '../../client/model-src.ts';
import type {GemmaError} from '../../errors.ts';
import type {ChatMessage, GenerationOptions, MessageSource} from '../../protocol/messages.ts';
import {type ChatStatus, createEvent, type GemmaChatSendDetail} from '../events.ts';
import type {ChatTool} from '../tools/chat-tools.ts';
import type {AdapterSetting} from './chat-adapter.ts';

/** What the page has set, read anew whenever it is needed. */
export interface ChatSettings {
  modelSrc: ModelSrc | null;
  /** The hash that its file must have. */
  integrity: string | null;
  /** `given`: the site has asked the visitor itself. */
  consent: string | null;
  workerSrc: string | null;
  contextLength: number | null;
  systemPrompt: string | null;
  generation: GenerationOptions;
  adapter: AdapterSetting;
  thinking: boolean;
  /** What happens with messages that no longer fit. */
  contextOverflow: 'truncate-oldest' | 'stop';
  beforeSend: BeforeSend | null;
  /** What the model may call. */
  tools: readonly ChatTool[];
  /** Null where the chat knows no pages. */
  ground: Ground | null;
}

/** Runs before the model is asked; may change the detail's messages, and take its time. */
export type BeforeSend = (detail: GemmaChatSendDetail, signal: AbortSignal) => unknown;

/** From a question to messages with passages for the model, or to a text that stands in the place of its answer. */
export type Ground = (
  messages: readonly ChatMessage[],
  client: GemmaClient | null,
  signal: AbortSignal,
) => Promise<Grounded>;
export type Grounded = {sources: MessageSource[]} & ({messages: ChatMessage[]} | {text: string});

export interface ChatHost {
  settings(): ChatSettings;
  /** Something that is shown has changed. */
  changed(): void;
  /** Dispatches; false when a listener prevented it. */
  emit(event: Event): boolean;
}

/** The state of one chat that its parts share. */
export class ChatState {
  readonly host: ChatHost;
  #status: ChatStatus = 'idle';
  error: GemmaError | null = null;

  constructor(host: ChatHost) {
    this.host = host;
  }

  get status(): ChatStatus {
    return this.#status;
  }

  enter(status: ChatStatus): void {
    this.host.changed();
    const previous = this.#status;
    if (status === previous) return;
    this.#status = status;
    this.host.emit(createEvent('gemma-chat-status', {status, previous}));
  }

  fail(error: GemmaError): void {
    this.error = error;
    this.enter('error');
    this.host.emit(createEvent('error', error));
  }
}

/** What ends a request of our own. */
export function abortError(message: string): DOMException {
  return new DOMException(message, 'AbortError');
}
