// An error: what it is called, what a visitor reads about it and can do, the technical message folded away, and a report
// to pass on.
import {html, type TemplateResult} from 'lit';
import type {GemmaError} from '../../errors.ts';
import type {Advice, Remedy} from '../chat/error-advice.ts';
import type {Language} from '../languages/index.ts';
import {warningIcon} from './icons.ts';

export interface ErrorView {
  language: Language;
  error: GemmaError;
  advice: Advice;
  /** The report, once it was asked for. */
  report: string | null;
  /** Null where the visitor cannot act. */
  act: {remedy: (remedy: Remedy) => void; report: () => void} | null;
}

const LABELS = {
  retry: {part: 'button remedy-button retry-button', text: 'retry'},
  reload: {part: 'button remedy-button reload-button', text: 'reloadPage'},
  fresh: {part: 'button remedy-button fresh-button', text: 'historyNew'},
} as const;

/** The error and what can be done about it. */
export function renderError({language, error, advice, report, act}: ErrorView): TemplateResult {
  const {title, text, notes, remedies, hopeless} = advice;
  const remedy = (each: Remedy) => html`<button
    part=${LABELS[each].part}
    type="button"
    ?disabled=${!act}
    @click=${() => act?.remedy(each)}
  >
    ${language.text(LABELS[each].text)}
  </button>`;
  return html`
    <div part="error">
      <div part="error-icon">${warningIcon}</div>
      <div part="error-message" role="alert">
        <div part="error-title">${title}</div>
        <div part="error-text"><slot name=${`error-${error.code}`}>${text}</slot></div>
        ${notes.map((note) => html`<div part="error-note">${note}</div>`)}
      </div>
      ${hopeless ? html`<div part="fallback"><slot name="fallback"></slot></div>` : null}
      <div part="error-actions">
        ${remedies.map(remedy)}
        <button part="button report-button" type="button" ?disabled=${!act} @click=${() => act?.report()}>
          ${language.text('copyReport')}
        </button>
      </div>
      <details part="error-detail" ?open=${report !== null}>
        <summary>${language.text('errorDetails')}</summary>
        <code>${error.code}</code>: <span dir="auto">${error.message}</span>
        ${report === null ? null : html`<pre part="report" dir="ltr" tabindex="0">${report}</pre>`}
      </details>
    </div>
  `;
}
