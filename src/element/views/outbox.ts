// What waits to be said, beneath the conversation: each text where it will stand, why it waits, and how to send it at once
// or take it back.
import {html, type TemplateResult} from 'lit';
import {repeat} from 'lit/directives/repeat.js';
import type {Waiting} from '../chat/outbox.ts';
import type {Language} from '../languages/index.ts';

export interface OutboxView {
  language: Language;
  waiting: readonly Waiting[];
  /** What it waits for: a model, the answer that is being written, the visitor's word. */
  for: 'model' | 'answer' | 'visitor';
  /** Null where the visitor cannot act. */
  act: {sendNow(id: number): void; takeBack(id: number): void} | null;
}

const REASONS = {model: 'waitsForModel', answer: 'waitsForAnswer', visitor: 'waitsForYou'} as const;

/** What waits; nothing where nothing does. */
export function renderOutbox(view: OutboxView): unknown {
  return repeat(
    view.waiting,
    ({id}) => id,
    (each) => renderWaiting(view, each),
  );
}

function renderWaiting({language, for: reason, act}: OutboxView, {id, text}: Waiting): TemplateResult {
  const send = reason === 'answer' ? 'stopAndSend' : 'sendNow';
  return html`
    <div part="message message-user message-queued" role="article" aria-label=${language.text('authorUser')}>
      <div part="message-text bubble bubble-user" class="plain" dir="auto">${text}</div>
      <div part="queued-tools">
        <span part="queued-reason">${language.text(REASONS[reason])}</span>
        ${
          reason === 'model'
            ? null
            : html`<button part="button queued-button send-now-button" type="button" ?disabled=${!act} @click=${() => act?.sendNow(id)}>
                ${language.text(send)}
              </button>`
        }
        <button part="button queued-button take-back-button" type="button" ?disabled=${!act} @click=${() => act?.takeBack(id)}>
          ${language.text('takeBack')}
        </button>
      </div>
    </div>
  `;
}
