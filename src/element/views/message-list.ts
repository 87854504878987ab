// The conversation. What visitor and model wrote is put in as text nodes, never as markup. The list is a log that
// stays silent: a live region elsewhere speaks whole sentences (announcer.ts).
import {html, type TemplateResult} from 'lit';
import type {ChatMessage} from '../../protocol/messages.ts';
import {strings} from '../strings.ts';

export interface MessageListView {
  messages: readonly ChatMessage[];
  /** The answer in the making. */
  answer: Readonly<ChatMessage> | null;
  scrolled: (event: Event) => void;
  /** Null while there is nothing to answer anew. */
  regenerate: (() => void) | null;
}

export function renderMessageList({messages, answer, scrolled, regenerate}: MessageListView): TemplateResult {
  const answerable = messages.some(({role}) => role === 'user');
  return html`
    <div part="messages" role="log" aria-live="off" aria-label=${strings.conversation} tabindex="0" @scroll=${scrolled}>
      ${messages.length === 0 && !answer ? html`<slot name="empty"><p part="empty">${strings.empty}</p></slot>` : null}
      ${messages.map((message) => renderMessage(message, false))}
      ${answer ? renderMessage(answer, true) : null}
      ${
        regenerate && answerable
          ? html`<button part="button regenerate-button" type="button" @click=${regenerate}>${strings.regenerate}</button>`
          : null
      }
    </div>
  `;
}

function renderMessage(message: Readonly<ChatMessage>, growing: boolean): TemplateResult {
  const {content, reasoning} = message;
  return message.role === 'user'
    ? html`<div part="message message-user" role="article" aria-label=${strings.authorUser}>
        <div part="message-text" dir="auto">${content}</div>
      </div>`
    : html`<div part="message message-assistant" role="article" aria-label=${strings.authorAssistant}>
        ${reasoning ? renderThinking(reasoning, growing && content === '') : null}
        ${content || !growing ? renderAnswer(content) : renderWaiting()}
      </div>`;
}

function renderAnswer(content: string): TemplateResult {
  return content
    ? html`<div part="message-text" dir="auto">${content}</div>`
    : html`<div part="message-text" class="quiet">${strings.noAnswer}</div>`;
}

function renderThinking(reasoning: string, thinking: boolean): TemplateResult {
  return html`
    <details part="thinking">
      <summary part="thinking-summary">${thinking ? strings.thinkingNow : strings.thinkingDone}</summary>
      <div part="thinking-text" dir="auto">${reasoning}</div>
    </details>
  `;
}

function renderWaiting(): TemplateResult {
  return html`<div part="waiting" role="img" aria-label=${strings.waiting}><i></i><i></i><i></i></div>`;
}
