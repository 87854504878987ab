// An error: what a visitor reads about it, the technical message folded away, and a way to try again.
import {html, type TemplateResult} from 'lit';
import type {GemmaError} from '../../errors.ts';
import {errorTexts, strings} from '../strings.ts';

export interface ErrorView {
  error: GemmaError;
  /** Null where the visitor cannot act. */
  retry: (() => void) | null;
}

export function renderError({error, retry}: ErrorView): TemplateResult {
  return html`
    <div part="error">
      <div part="error-text" role="alert"><slot name=${`error-${error.code}`}>${errorTexts[error.code]}</slot></div>
      <details part="error-detail">
        <summary>${strings.errorDetails}</summary>
        <code>${error.code}</code>: ${error.message}
      </details>
      <button part="button retry-button" type="button" ?disabled=${!retry} @click=${retry}>${strings.retry}</button>
    </div>
  `;
}
