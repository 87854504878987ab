// Before the model is loaded: what it is, how large, where it comes from, what it needs; and the buttons with which a
// visitor agrees, or makes room.
import {html, nothing, type TemplateResult} from 'lit';
import type {ModelInspection} from '../../protocol/messages.ts';
import type {Advice} from '../chat/error-advice.ts';
import type {Language} from '../languages/index.ts';
import type {FoundModel} from '../model/files/ollama-folder.ts';
import type {ModelFiles} from '../model/model-files.ts';
import type {ModelOffer} from '../model/model-offer.ts';

export interface OfferActions {
  load(): void;
  /** Removes what is stored of this model, or another one. */
  remove(ids: readonly string[]): void;
  /** Asks before it removes what is stored; null leaves it. */
  ask(removing: readonly string[] | null): void;
  /** Opens a file picker. */
  choose(): void;
  /** Takes the file that was used last. */
  again(): void;
  pick(model: FoundModel): void;
}

export interface PosterView {
  language: Language;
  offer: ModelOffer;
  /** What to say of `offer.problem`; null where there is none. */
  advice: Advice | null;
  /** Null where the visitor cannot bring a model. */
  files: ModelFiles | null;
  disabled: boolean;
  act: OfferActions;
}

/** The poster. */
export function renderPoster(view: PosterView): TemplateResult {
  const {language, offer} = view;
  if (willNotRun(view)) return renderRefusal(view);
  return html`
    <div part="poster">
      <slot name="poster">
        <div part="poster-title">${language.text('posterTitle')}</div>
        <p part="poster-text">${language.text(offer.source ? 'posterText' : 'noModel')}</p>
      </slot>
      ${offer.source ? renderOffer(view) : nothing}
      ${view.files ? renderFiles(view, view.files) : nothing}
    </div>
  `;
}

/** Loading would say the same again: what the file, the page or the browser lacks is not there a moment later. */
const willNotRun = ({offer}: PosterView) => offer.hopeless;

/** It cannot run here: says so before anyone has waited, and shows what the page has instead. */
function renderRefusal(view: PosterView): TemplateResult {
  const {offer, advice, files} = view;
  return html`
    <div part="poster" role="status">
      <div part="poster-title">${advice?.title}</div>
      <p part="poster-text"><slot name=${`error-${offer.problem?.code}`}>${advice?.text}</slot></p>
      ${advice?.notes.map((note) => html`<p part="note">${note}</p>`)}
      ${advice?.hopeless ? html`<div part="fallback"><slot name="fallback"></slot></div>` : nothing}
      ${files ? renderFiles(view, files) : nothing}
    </div>
  `;
}

function renderOffer({language, offer, advice, disabled, act}: PosterView): TemplateResult {
  const {inspection, removing} = offer;
  const begun = inspection && inspection.storage !== 'file' && inspection.storedBytes > 0;
  const label = begun && !offer.complete ? 'loadContinue' : 'load';
  const off = disabled || removing;
  if (offer.asking) return renderQuestion(language, offer.asking, off, act);
  return html`
    <dl part="facts">${facts(language, offer)}</dl>
    <div part="notes" role="status">
      ${[...(advice ? [advice.text, ...advice.notes] : []), ...notes(language, offer)].map((note) => html`<p part="note">${note}</p>`)}
    </div>
    <button part="button load-button" type="button" ?disabled=${off} @click=${() => act.load()}>
      ${language.text(label)}
    </button>
    ${
      begun && inspection.storedIds.length > 0
        ? html`<button part="button remove-stored-button" type="button" ?disabled=${off} @click=${() => act.ask(inspection.storedIds)}>
            ${language.text('removeStored')}
          </button>`
        : nothing
    }
    ${inspection?.removable.map(
      ({id, url, storedBytes}) =>
        html`<button part="button remove-stored-button" type="button" ?disabled=${off} @click=${() => act.ask([id])}>
          ${language.text('removeOther', {name: lastSegment(url), size: language.bytes(storedBytes)})}
        </button>`,
    )}
  `;
}

/** Gigabytes are not gone at one press. */
function renderQuestion(language: Language, ids: readonly string[], off: boolean, act: OfferActions): TemplateResult {
  return html`
    <div part="remove-question" role="group" aria-labelledby="remove-question">
      <p id="remove-question">${language.text('removeAsk')}</p>
      <button part="button remove-answer" type="button" ?disabled=${off} @click=${() => act.remove(ids)}>
        ${language.text('historyDelete')}
      </button>
      <button part="button cancel-button" type="button" ?disabled=${off} @click=${() => act.ask(null)}>
        ${language.text('cancel')}
      </button>
    </div>
  `;
}

/** A model of the visitor's own: chosen, dropped, or used before. */
function renderFiles(
  {language, disabled, act}: PosterView,
  {choices, nothing: none, last}: ModelFiles,
): TemplateResult {
  return html`
    <div part="choices" role="status">
      ${none ? html`<p part="note">${language.text('filesNothing')}</p>` : nothing}
      ${choices.length > 0 ? html`<p part="note">${language.text('filesWhich')}</p>` : nothing}
    </div>
    ${choices.map(
      (model) =>
        html`<button part="button choice-button" type="button" ?disabled=${disabled} @click=${() => act.pick(model)}>
          ${language.text('filesChoice', {name: model.name, size: language.bytes(model.size)})}
        </button>`,
    )}
    ${
      last === null
        ? nothing
        : html`<button part="button again-button" type="button" ?disabled=${disabled} @click=${() => act.again()}>
            ${language.text('filesAgain', {name: last})}
          </button>`
    }
    <button part="button choose-button" type="button" ?disabled=${disabled} @click=${() => act.choose()}>
      ${language.text('filesChoose')}
    </button>
  `;
}

function facts(language: Language, offer: ModelOffer): TemplateResult[] {
  const {source, inspection} = offer;
  if (!source) return [];
  const rows: [string, unknown][] = [[language.text('factFile'), modelName(source.file, inspection)]];
  rows.push([language.text('factSize'), sizeText(language, offer)]);
  if (source.host !== '') rows.push([language.text('factHost'), source.host ?? language.text('hostDevice')]);
  if (inspection) {
    const {license, memory, freeBytes, storage} = inspection;
    if (license.name !== null || license.link !== null) rows.push([language.text('factLicense'), licenseText(license)]);
    const bytes = memory.weightBytes + (memory.contextBytes ?? 0);
    rows.push([language.text('factMemory'), language.text('about', {value: language.bytes(bytes)})]);
    if (freeBytes !== null && storage !== 'file' && !offer.complete) {
      rows.push([language.text('factFree'), language.bytes(freeBytes)]);
    }
  }
  return rows.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`);
}

/** What the file calls itself, and the file's name. */
function modelName(file: string, inspection: ModelInspection | null | undefined): unknown {
  const own = inspection?.name;
  if (!own || file.replace(/\.gguf$/i, '') === own) return file;
  return html`${own} <span part="fact-file">${file}</span>`;
}

/** The file's own words, as text; a link only if it leads to the web, which the worker has checked, and we again. */
function licenseText({name, link}: ModelInspection['license']): unknown {
  if (link === null || !/^https?:\/\//i.test(link)) return name ?? link;
  return html`<a part="license-link" href=${link} target="_blank" rel="noopener noreferrer">${name ?? link}</a>`;
}

function sizeText(language: Language, {source, inspection}: ModelOffer): string {
  const size = inspection?.size ?? source?.size;
  if (size === undefined || size === null) {
    return language.text(inspection === undefined ? 'sizeAsking' : 'sizeUnknown');
  }
  const total = language.bytes(size);
  if (!inspection || inspection.storage === 'file' || inspection.storedBytes === 0) return total;
  if (inspection.storedBytes >= size) return language.text('sizeHere', {size: total});
  return language.text('sizePartHere', {size: total, stored: language.bytes(inspection.storedBytes)});
}

/** What the visitor should know before agreeing. */
function notes(language: Language, offer: ModelOffer): string[] {
  const {inspection} = offer;
  const found: string[] = [];
  if (offer.heldBack) found.push(language.text('noteSaveData'));
  if (offer.failure) found.push(language.text(`error-${offer.failure.code}`));
  if (!inspection) return found;
  const {storage, resumable, size, storedBytes, freeBytes, online, looksPretrained} = inspection;
  if (looksPretrained) found.push(language.text('noteBaseModel'));
  if (offer.complete && !online && !navigator.onLine) found.push(language.text('offlineReady'));
  const missing = size - storedBytes;
  if (missing <= 0 || storage === 'file') return found;
  if (storage === 'memory') found.push(language.text('noteNotKept'));
  else if (freeBytes !== null && missing > freeBytes) {
    found.push(language.text('noteSpace', {needed: language.bytes(missing), free: language.bytes(freeBytes)}));
  }
  if (!resumable) found.push(language.text('noteNoResume'));
  if (!online) found.push(language.text(navigator.onLine ? 'error-network' : 'errorOffline'));
  return found;
}

function lastSegment(url: string): string {
  const last =
    url
      .replace(/[?#].*$/, '')
      .split('/')
      .filter(Boolean)
      .at(-1) ?? url;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
