// Before the model is loaded: what it is, how large, where it comes from, and the button that agrees to it.
import {html, type TemplateResult} from 'lit';
import type {Language} from '../languages/index.ts';
import type {ModelSource} from '../model-source.ts';

export interface PosterView {
  language: Language;
  /** Null where the page has named no model. */
  source: ModelSource | null;
  disabled: boolean;
  load: () => void;
}

export function renderPoster({language, source, disabled, load}: PosterView): TemplateResult {
  return html`
    <div part="poster">
      <slot name="poster">
        <div part="poster-title">${language.text('posterTitle')}</div>
        <p part="poster-text">${source ? language.text('posterText') : language.text('noModel')}</p>
      </slot>
      ${source ? renderFacts(language, source) : null}
      ${
        source
          ? html`<button part="button load-button" type="button" ?disabled=${disabled} @click=${load}>${language.text('load')}</button>`
          : null
      }
    </div>
  `;
}

function renderFacts(language: Language, {name, host, size}: ModelSource): TemplateResult {
  return html`
    <dl part="facts">
      <div><dt>${language.text('factFile')}</dt><dd>${name}</dd></div>
      <div><dt>${language.text('factSize')}</dt><dd>${sizeText(language, size)}</dd></div>
      <div><dt>${language.text('factHost')}</dt><dd>${host ?? language.text('hostDevice')}</dd></div>
    </dl>
  `;
}

function sizeText(language: Language, size: ModelSource['size']): string {
  if (size === undefined) return language.text('sizeAsking');
  return size === null ? language.text('sizeUnknown') : language.bytes(size);
}
