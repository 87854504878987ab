// An error: what a visitor reads about it, the technical message folded away, and a way to try again.
import {html, type TemplateResult} from 'lit';
import type {GemmaError} from '../../errors.ts';
import type {Language} from '../languages/index.ts';

export interface ErrorView {
  language: Language;
  error: GemmaError;
  /** Null where the visitor cannot act. */
  retry: (() => void) | null;
}

export function renderError({language, error, retry}: ErrorView): TemplateResult {
  return html`
    <div part="error">
      <div part="error-text" role="alert"><slot name=${`error-${error.code}`}>${language.text(`error-${error.code}`)}</slot></div>
      <details part="error-detail">
        <summary>${language.text('errorDetails')}</summary>
        <code>${error.code}</code>: ${error.message}
      </details>
      <button part="button retry-button" type="button" ?disabled=${!retry} @click=${retry}>${language.text('retry')}</button>
    </div>
  `;
}
