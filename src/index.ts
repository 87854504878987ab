// The script tag's entry: registers <gemma-chat> and hands on what a page's script may want to name.
import type {GemmaChatEventMap} from './element/events.ts';
import {GemmaChatElement} from './element/gemma-chat-element.ts';

export * from './client/index.ts';
export type * from './element/events.ts';
export {GemmaChatElement} from './element/gemma-chat-element.ts';
export type {StringKey, Strings} from './element/languages/index.ts';
export type {ChatMessage} from './protocol/messages.ts';

// A page may carry the script twice; the first one stays.
if (!customElements.get('gemma-chat')) customElements.define('gemma-chat', GemmaChatElement);

declare global {
  interface HTMLElementTagNameMap {
    'gemma-chat': GemmaChatElement;
  }
  // They bubble, so any element may hear them.
  interface HTMLElementEventMap {
    'gemma-chat-send': GemmaChatEventMap['gemma-chat-send'];
    'gemma-chat-message': GemmaChatEventMap['gemma-chat-message'];
    'gemma-chat-status': GemmaChatEventMap['gemma-chat-status'];
    'gemma-chat-feedback': GemmaChatEventMap['gemma-chat-feedback'];
  }
}
