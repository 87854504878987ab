// The row at the top: the title, and the button that clears the conversation.
import {html, type TemplateResult} from 'lit';
import type {Language} from '../languages/index.ts';

export interface HeaderView {
  language: Language;
  label: string;
  /** Null where there is nothing to clear. */
  clear: (() => void) | null;
}

export function renderHeader({language, label, clear}: HeaderView): TemplateResult {
  return html`
    <div part="header">
      <slot name="header"><div part="label">${label}</div></slot>
      ${clear ? html`<button part="button clear-button" type="button" @click=${clear}>${language.text('clear')}</button>` : null}
    </div>
  `;
}
