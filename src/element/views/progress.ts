// While the model is loaded: what is going on, how far it is, how fast; and the ways to pause and to stop.
import {html, nothing, type TemplateResult} from 'lit';
import type {LoadPhase, LoadProgress} from '../../protocol/messages.ts';
import type {Language} from '../languages/index.ts';
import type {TransferRate} from '../model/transfer-rate.ts';

export interface ProgressActions {
  pause(): void;
  resume(): void;
  cancel(): void;
}

export interface ProgressView {
  language: Language;
  status: 'downloading' | 'paused' | 'loading';
  progress: LoadProgress | null;
  rate: TransferRate;
  /** Nothing has come for some seconds. */
  stalled: boolean;
  /** The visitor cannot act. */
  disabled: boolean;
  act: ProgressActions;
}

/** The bar, its line and its buttons. */
export function renderProgress(view: ProgressView): TemplateResult {
  const {language, progress, disabled, act} = view;
  return html`
    <div part="progress">
      <div part="progress-text" id="progress-text">${progressText(view)}</div>
      <progress part="progress-bar" aria-labelledby="progress-text" max="1" .value=${progress?.fraction ?? 0}></progress>
      <div part="progress-rate" role="status">${rateText(view)}</div>
      <div part="progress-buttons">
        ${
          canPause(view)
            ? html`<button part="button pause-button" type="button" ?disabled=${disabled} @click=${() => act.pause()}>
                ${language.text('pause')}
              </button>`
            : nothing
        }
        ${
          view.status === 'paused'
            ? html`<button part="button resume-button" type="button" ?disabled=${disabled} @click=${() => act.resume()}>
                ${language.text('resume')}
              </button>`
            : nothing
        }
        <button part="button cancel-button" type="button" ?disabled=${disabled} @click=${() => act.cancel()}>
          ${language.text('cancel')}
        </button>
      </div>
    </div>
  `;
}

const PAUSABLE: readonly (LoadPhase | undefined)[] = ['download', 'waiting', 'retry'];

/** Only a download takes so long, and what is not stored would be lost. */
function canPause({status, progress}: ProgressView): boolean {
  return status === 'downloading' && PAUSABLE.includes(progress?.phase) && progress?.storage !== 'memory';
}

function progressText({language, status, progress}: ProgressView): string {
  if (status === 'loading') return language.text('preparing');
  const {phase, loadedBytes = 0, totalBytes = 0} = progress ?? {};
  const bytes = {loaded: language.bytes(loadedBytes), total: language.bytes(totalBytes)};
  if (status === 'paused') return totalBytes > 0 ? language.text('pausedBytes', bytes) : language.text('paused');
  if (phase === 'verify') return language.text('verifying');
  if (phase === 'waiting') return language.text('loadingElsewhere');
  if (phase === 'retry') return language.text('retrying');
  if (phase === 'upload' && totalBytes > 0) return language.text('readingBytes', bytes);
  const arriving = phase === 'header' || phase === 'download';
  return arriving && totalBytes > 0 ? language.text('downloadingBytes', bytes) : language.text('downloading');
}

function rateText({language, status, progress, rate, stalled}: ProgressView): string {
  const speed = rate.bytesPerSecond;
  if (status !== 'downloading') return '';
  if (stalled) return language.text('stalled');
  if (progress?.phase !== 'download' && progress?.phase !== 'header') return '';
  const share = progress.totalBytes > 0 ? progress.loadedBytes / progress.totalBytes : 0;
  if (share === 0) return '';
  const done = language.text('progressShare', {percent: language.percent(share)});
  if (speed === null) return done;
  const left = rate.secondsFor(progress.totalBytes - progress.loadedBytes);
  if (left === null) return done;
  return `${done} · ${language.text('rate', {speed: language.bytes(speed), left: language.duration(left)})}`;
}
