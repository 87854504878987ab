// Made from custom-elements.json by scripts/framework-types.mjs.
// `gemma-chat/react`: the elements as React components of any version since 17, by @lit/react.
import {createComponent} from '@lit/react';
import * as react from 'react';
import {GemmaChatElement, GemmaChatModelElement} from '../dist/gemma-chat.js';

export const GemmaChat = /* @__PURE__ */ createComponent({
  react,
  tagName: 'gemma-chat',
  elementClass: GemmaChatElement,
  events: {onProgress: 'progress', onLoad: 'load', onError: 'error', onGemmaChatSend: 'gemma-chat-send', onGemmaChatMessage: 'gemma-chat-message', onGemmaChatStatus: 'gemma-chat-status', onGemmaChatToggle: 'gemma-chat-toggle', onGemmaChatAction: 'gemma-chat-action', onGemmaChatTool: 'gemma-chat-tool', onGemmaChatUnanswered: 'gemma-chat-unanswered', onGemmaChatFeedback: 'gemma-chat-feedback'},
});

export const GemmaChatModel = /* @__PURE__ */ createComponent({
  react,
  tagName: 'gemma-chat-model',
  elementClass: GemmaChatModelElement,
  events: {},
});
