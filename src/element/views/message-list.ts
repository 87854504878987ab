// The conversation. What visitor and model wrote is put in as text nodes, never as markup. The list is a log that
// stays silent: a live region elsewhere speaks whole sentences (announcer.ts).
import {html, type TemplateResult} from 'lit';
import type {ChatMessage} from '../../protocol/messages.ts';
import type {Language} from '../languages/index.ts';

export interface MessageListView {
  language: Language;
  messages: readonly ChatMessage[];
  /** The answer in the making. */
  answer: Readonly<ChatMessage> | null;
  scrolled: (event: Event) => void;
  /** Null while there is nothing to answer anew. */
  regenerate: (() => void) | null;
}

export function renderMessageList({language, messages, answer, scrolled, regenerate}: MessageListView): TemplateResult {
  const answerable = messages.some(({role}) => role === 'user');
  return html`
    <div part="messages" role="log" aria-live="off" aria-label=${language.text('conversation')} tabindex="0" @scroll=${scrolled}>
      ${messages.length === 0 && !answer ? html`<slot name="empty"><p part="empty">${language.text('empty')}</p></slot>` : null}
      ${messages.map((message) => renderMessage(language, message, false))}
      ${answer ? renderMessage(language, answer, true) : null}
      ${
        regenerate && answerable
          ? html`<button part="button regenerate-button" type="button" @click=${regenerate}>${language.text('regenerate')}</button>`
          : null
      }
    </div>
  `;
}

function renderMessage(language: Language, message: Readonly<ChatMessage>, growing: boolean): TemplateResult {
  const {content, reasoning} = message;
  return message.role === 'user'
    ? html`<div part="message message-user" role="article" aria-label=${language.text('authorUser')}>
        <div part="message-text" dir="auto">${content}</div>
      </div>`
    : html`<div part="message message-assistant" role="article" aria-label=${language.text('authorAssistant')}>
        ${reasoning ? renderThinking(language, reasoning, growing && content === '') : null}
        ${content || !growing ? renderAnswer(language, content) : renderWaiting(language)}
      </div>`;
}

function renderAnswer(language: Language, content: string): TemplateResult {
  return content
    ? html`<div part="message-text" dir="auto">${content}</div>`
    : html`<div part="message-text" class="quiet">${language.text('noAnswer')}</div>`;
}

function renderThinking(language: Language, reasoning: string, thinking: boolean): TemplateResult {
  return html`
    <details part="thinking">
      <summary part="thinking-summary">${thinking ? language.text('thinkingNow') : language.text('thinkingDone')}</summary>
      <div part="thinking-text" dir="auto">${reasoning}</div>
    </details>
  `;
}

function renderWaiting(language: Language): TemplateResult {
  return html`<div part="waiting" role="img" aria-label=${language.text('waiting')}><i></i><i></i><i></i></div>`;
}
