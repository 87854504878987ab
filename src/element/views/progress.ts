// While the model is loaded: how far it is, and a way to stop.
import {html, type TemplateResult} from 'lit';
import type {LoadProgress} from '../../protocol/messages.ts';
import type {Language} from '../languages/index.ts';

export interface ProgressView {
  language: Language;
  /** The bytes are there; the GPU is being prepared. */
  preparing: boolean;
  progress: LoadProgress | null;
  /** Null where the visitor cannot act. */
  cancel: (() => void) | null;
}

export function renderProgress({language, preparing, progress, cancel}: ProgressView): TemplateResult {
  return html`
    <div part="progress">
      <div part="progress-text" id="progress-text">${progressText(language, preparing, progress)}</div>
      <progress part="progress-bar" aria-labelledby="progress-text" max="1" .value=${progress?.fraction ?? 0}></progress>
      <button part="button cancel-button" type="button" ?disabled=${!cancel} @click=${cancel}>${language.text('cancel')}</button>
    </div>
  `;
}

function progressText(language: Language, preparing: boolean, progress: LoadProgress | null): string {
  if (preparing) return language.text('preparing');
  if (progress?.phase !== 'download' || progress.totalBytes === 0) return language.text('downloading');
  const {loadedBytes, totalBytes} = progress;
  return language.text('downloadingBytes', {loaded: language.bytes(loadedBytes), total: language.bytes(totalBytes)});
}
