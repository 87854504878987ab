// Before the model is loaded: what it is, how large, where it comes from, and the button that agrees to it.
import {html, type TemplateResult} from 'lit';
import type {ModelSource} from '../model-source.ts';
import {formatBytes, strings} from '../strings.ts';

export interface PosterView {
  /** Null where the page has named no model. */
  source: ModelSource | null;
  disabled: boolean;
  load: () => void;
}

export function renderPoster({source, disabled, load}: PosterView): TemplateResult {
  return html`
    <div part="poster">
      <slot name="poster">
        <div part="poster-title">${strings.posterTitle}</div>
        <p part="poster-text">${source ? strings.posterText : strings.noModel}</p>
      </slot>
      ${source ? renderFacts(source) : null}
      ${
        source
          ? html`<button part="button load-button" type="button" ?disabled=${disabled} @click=${load}>${strings.load}</button>`
          : null
      }
    </div>
  `;
}

function renderFacts({name, host, size}: ModelSource): TemplateResult {
  return html`
    <dl part="facts">
      <div><dt>${strings.factFile}</dt><dd>${name}</dd></div>
      <div><dt>${strings.factSize}</dt><dd>${sizeText(size)}</dd></div>
      <div><dt>${strings.factHost}</dt><dd>${host ?? strings.hostDevice}</dd></div>
    </dl>
  `;
}

function sizeText(size: ModelSource['size']): string {
  if (size === undefined) return strings.sizeAsking;
  return size === null ? strings.sizeUnknown : formatBytes(size);
}
