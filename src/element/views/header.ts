// The row at the top: the title, and what can be done with the chat as a whole.
import {html, type TemplateResult} from 'lit';
import type {Language} from '../languages/index.ts';
import {closeIcon, historyIcon, newIcon} from './icons.ts';

export interface HeaderView {
  language: Language;
  label: string;
  /** Null where no conversations are kept. */
  history: {show: (() => void) | null; fresh: () => void} | null;
  /** Null where there is nothing to clear. */
  clear: (() => void) | null;
  /** Null where the chat cannot be closed. */
  close: (() => void) | null;
}

/** Title and buttons of the chat. */
export function renderHeader({language, label, history, clear, close}: HeaderView): TemplateResult {
  return html`
    <div part="header">
      <slot name="header"><div part="label">${label}</div></slot>
      <div part="tools">
        <slot name="header-tools"></slot>
        ${history?.show ? iconButton('history-button', language.text('history'), historyIcon, history.show) : null}
        ${history && clear ? iconButton('new-button', language.text('historyNew'), newIcon, history.fresh) : null}
        ${
          clear && !history
            ? html`<button part="button clear-button" type="button" @click=${clear}>${language.text('clear')}</button>`
            : null
        }
        ${close ? iconButton('close-button', language.text('closeChat'), closeIcon, close) : null}
      </div>
    </div>
  `;
}

function iconButton(part: string, name: string, icon: TemplateResult, act: () => void): TemplateResult {
  return html`<button part="button icon-button ${part}" type="button" aria-label=${name} title=${name} @click=${act}>${icon}</button>`;
}
