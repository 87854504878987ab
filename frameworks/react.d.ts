// Made from custom-elements.json by scripts/framework-types.mjs.
import type {EventName, ReactWebComponent} from '@lit/react';
import type {GemmaChatElement, GemmaChatModelElement, GemmaChatEvents, GemmaChatModelEvents} from './elements.d.ts';

export declare const GemmaChat: ReactWebComponent<
  GemmaChatElement,
  {
    onProgress: EventName<GemmaChatEvents['progress']>;
    onLoad: EventName<GemmaChatEvents['load']>;
    onError: EventName<GemmaChatEvents['error']>;
    onGemmaChatSend: EventName<GemmaChatEvents['gemma-chat-send']>;
    onGemmaChatMessage: EventName<GemmaChatEvents['gemma-chat-message']>;
    onGemmaChatStatus: EventName<GemmaChatEvents['gemma-chat-status']>;
    onGemmaChatToggle: EventName<GemmaChatEvents['gemma-chat-toggle']>;
    onGemmaChatAction: EventName<GemmaChatEvents['gemma-chat-action']>;
    onGemmaChatTool: EventName<GemmaChatEvents['gemma-chat-tool']>;
    onGemmaChatUnanswered: EventName<GemmaChatEvents['gemma-chat-unanswered']>;
    onGemmaChatFeedback: EventName<GemmaChatEvents['gemma-chat-feedback']>;
  }
>;

export declare const GemmaChatModel: ReactWebComponent<
  GemmaChatModelElement,
  {
  }
>;
