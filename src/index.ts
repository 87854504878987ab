// The script tag's entry: registers <gemma-chat> and hands on what a page's script may want to name.
import type {GemmaChatEventMap} from './element/events.ts';
import {GemmaChatElement} from './element/gemma-chat-element.ts';
import {GemmaChatModelElement} from './element/gemma-chat-model-element.ts';

export * from './client/index.ts';
export type * from './element/events.ts';
export {type Display, GemmaChatElement} from './element/gemma-chat-element.ts';
export {GemmaChatModelElement} from './element/gemma-chat-model-element.ts';
export type {ConversationSummary, HistoryStore, StoredConversation} from './element/history/store.ts';
export type {KnowledgeFunction, KnowledgePassage} from './element/knowledge/own-passages.ts';
export type {StringKey, Strings} from './element/languages/index.ts';
export type {ChatTool} from './element/tools/chat-tools.ts';
export type {ChatMessage, MessageSource, ToolStep} from './protocol/messages.ts';

// A page may carry the script twice: the first one stays. A server that renders the page has no registry.
const registry: CustomElementRegistry | undefined = globalThis.customElements;
if (registry && !registry.get('gemma-chat')) registry.define('gemma-chat', GemmaChatElement);
if (registry && !registry.get('gemma-chat-model')) registry.define('gemma-chat-model', GemmaChatModelElement);

declare global {
  interface HTMLElementTagNameMap {
    'gemma-chat': GemmaChatElement;
    'gemma-chat-model': GemmaChatModelElement;
  }
  // They bubble, so any element may hear them.
  interface HTMLElementEventMap {
    'gemma-chat-send': GemmaChatEventMap['gemma-chat-send'];
    'gemma-chat-message': GemmaChatEventMap['gemma-chat-message'];
    'gemma-chat-status': GemmaChatEventMap['gemma-chat-status'];
    'gemma-chat-tool': GemmaChatEventMap['gemma-chat-tool'];
    'gemma-chat-toggle': GemmaChatEventMap['gemma-chat-toggle'];
    'gemma-chat-action': GemmaChatEventMap['gemma-chat-action'];
    'gemma-chat-feedback': GemmaChatEventMap['gemma-chat-feedback'];
    'gemma-chat-unanswered': GemmaChatEventMap['gemma-chat-unanswered'];
  }
}
