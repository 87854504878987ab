// While the model is loaded: how far it is, and a way to stop.
import {html, type TemplateResult} from 'lit';
import type {LoadProgress} from '../../protocol/messages.ts';
import {strings} from '../strings.ts';

export interface ProgressView {
  /** The bytes are there; the GPU is being prepared. */
  preparing: boolean;
  progress: LoadProgress | null;
  /** Null where the visitor cannot act. */
  cancel: (() => void) | null;
}

export function renderProgress({preparing, progress, cancel}: ProgressView): TemplateResult {
  return html`
    <div part="progress">
      <div part="progress-text" id="progress-text">${progressText(preparing, progress)}</div>
      <progress part="progress-bar" aria-labelledby="progress-text" max="1" .value=${progress?.fraction ?? 0}></progress>
      <button part="button cancel-button" type="button" ?disabled=${!cancel} @click=${cancel}>${strings.cancel}</button>
    </div>
  `;
}

function progressText(preparing: boolean, progress: LoadProgress | null): string {
  if (preparing) return strings.preparing;
  if (progress?.phase !== 'download' || progress.totalBytes === 0) return strings.downloading;
  return strings.downloadingBytes(progress.loadedBytes, progress.totalBytes);
}
