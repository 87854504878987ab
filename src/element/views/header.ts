// The row at the top: the title, and what can be done with the chat as a whole.
import {html, type TemplateResult} from 'lit';
import type {Language} from '../languages/index.ts';
import {closeIcon} from './icons.ts';

export interface HeaderView {
  language: Language;
  label: string;
  /** Null where there is nothing to clear. */
  clear: (() => void) | null;
  /** Null where the chat cannot be closed. */
  close: (() => void) | null;
}

export function renderHeader({language, label, clear, close}: HeaderView): TemplateResult {
  return html`
    <div part="header">
      <slot name="header"><div part="label">${label}</div></slot>
      <div part="tools">
        ${clear ? html`<button part="button clear-button" type="button" @click=${clear}>${language.text('clear')}</button>` : null}
        ${
          close
            ? html`<button part="button icon-button close-button" type="button" aria-label=${language.text('closeChat')} @click=${close}>
                ${closeIcon}
              </button>`
            : null
        }
      </div>
    </div>
  `;
}
