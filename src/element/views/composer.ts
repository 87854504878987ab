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
  typed: (text: string) => void;
  send: () => void;
  stop: () => void;
}

export function renderComposer(view: ComposerView): TemplateResult {
  const {language, draft, generating, disabled, send, stop} = view;
  const submit = (event: Event) => {
    event.preventDefault();
    send();
  };
  // An empty field leaves the button focusable: a disabled one would drop the focus when an answer ends.
  // The second click of a double click on Send lands on Stop, and is not meant for it.
  const click = (event: MouseEvent) => {
    if (generating && event.detail < 2) stop();
  };
  return html`
    <form part="composer" @submit=${submit}>
      <div class="row">
        <slot name="composer-start"></slot>
        ${renderInput(view)}
        <slot name="composer-end"></slot>
        <button
          part=${generating ? 'button stop-button' : 'button send-button'}
          type=${generating ? 'button' : 'submit'}
          aria-label=${generating ? language.text('stop') : language.text('send')}
          aria-disabled=${!generating && draft.trim() === ''}
          ?disabled=${disabled}
          @click=${click}
        >
          ${generating ? stopIcon : sendIcon}
        </button>
      </div>
      <div part="status">${view.status}</div>
    </form>
  `;
}

function renderInput({language, draft, placeholder, disabled, typed, send}: ComposerView): TemplateResult {
  const input = (event: Event) => typed((event.currentTarget as HTMLTextAreaElement).value);
  const keydown = (event: KeyboardEvent) => {
    // Safari ends a composition before the Enter that ended it; 229 is how that key tells itself.
    const composing = event.isComposing || event.keyCode === 229;
    if (event.key !== 'Enter' || event.shiftKey || composing) return;
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
