// Where the visitor writes: a text field that grows with its text, one button that sends or stops, the status line.
// Enter sends, Shift+Enter starts a line, and neither does anything while an input method is composing.
import {html, type TemplateResult} from 'lit';
import type {Language} from '../languages/index.ts';
import {sendIcon, stopIcon} from './icons.ts';

export interface ComposerView {
  language: Language;
  draft: string;
  placeholder: string;
  generating: boolean;
  disabled: boolean;
  status: string;
  /** The share of the model's context that is used; null while none is. */
  contextUsed: number | null;
  /** What was done and can be undone. */
  notice: string | null;
  undo: () => void;
  /** Takes the consent to the model back; null where there is none to take back. */
  unload: (() => void) | null;
  /** Enter begins a line; with Ctrl or the command key it sends. */
  enterBreaks: boolean;
  typed: (text: string) => void;
  send: () => void;
  stop: () => void;
}

/** Text field, button and status line. */
export function renderComposer(view: ComposerView): TemplateResult {
  const {language, draft, generating, disabled, notice, undo, unload, send, stop} = view;
  // While an answer is written, what stands in the field can be sent after it.
  const stops = generating && draft.trim() === '';
  const submit = (event: Event) => {
    event.preventDefault();
    send();
  };
  // An empty field leaves the button focusable: a disabled one would drop the focus when an answer ends.
  // The second click of a double click on Send lands on Stop, and is not meant for it.
  const click = (event: MouseEvent) => {
    if (stops && event.detail < 2) stop();
  };
  return html`
    <form part="composer" @submit=${submit}>
      ${
        notice === null
          ? null
          : html`<div part="notice">
              <span part="notice-text">${notice}</span>
              <button part="button undo-button" type="button" ?disabled=${disabled} @click=${undo}>${language.text('undo')}</button>
            </div>`
      }
      <div class="row" part="composer-row">
        <slot name="composer-start"></slot>
        ${renderInput(view)}
        <slot name="composer-end"></slot>
        <button
          part=${stops ? 'button stop-button' : 'button send-button'}
          type=${stops ? 'button' : 'submit'}
          aria-label=${stops ? language.text('stop') : language.text('send')}
          aria-disabled=${!stops && draft.trim() === ''}
          ?disabled=${disabled}
          @click=${click}
        >
          ${stops ? stopIcon : sendIcon}
        </button>
      </div>
      <div class="foot">
        <div part="status">${view.status}</div>
        ${view.contextUsed === null ? null : renderMeter(language, view.contextUsed)}
        ${
          unload
            ? html`<button part="button unload-button" type="button" ?disabled=${disabled || generating} @click=${unload}>
                ${language.text('unload')}
              </button>`
            : null
        }
      </div>
    </form>
  `;
}

function renderMeter(language: Language, used: number): TemplateResult {
  const text = language.text('contextUsed', {percent: language.percent(used)});
  return html`<meter part="context" min="0" max="1" high="0.9" .value=${used} aria-label=${text} title=${text}></meter>`;
}

function renderInput({language, draft, placeholder, disabled, enterBreaks, typed, send}: ComposerView): TemplateResult {
  const input = (event: Event) => typed((event.currentTarget as HTMLTextAreaElement).value);
  const keydown = (event: KeyboardEvent) => {
    // Safari ends a composition before the Enter that ended it; 229 is how that key tells itself.
    const composing = event.isComposing || event.keyCode === 229;
    if (event.key !== 'Enter' || event.shiftKey || composing) return;
    if (enterBreaks && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    send();
  };
  // The mirror behind the field holds the same text and gives it its height, with no script and no style attribute.
  return html`
    <div class="grow">
      <div class="mirror" aria-hidden="true">${draft}${' '}</div>
      <textarea
        part="input"
        rows="1"
        dir="auto"
        enterkeyhint=${enterBreaks ? 'enter' : 'send'}
        aria-label=${language.text('input')}
        placeholder=${placeholder}
        .value=${draft}
        ?disabled=${disabled}
        @input=${input}
        @keydown=${keydown}
      ></textarea>
    </div>
  `;
}
