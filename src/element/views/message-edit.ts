// A message of the visitor's while it is being changed: in its place, with a button that sends it as a new branch.
import type {TemplateResult} from 'lit';
import type {TurnId} from '../chat/conversation.ts';
import {html} from '../handed.ts';
import type {Language} from '../languages/index.ts';

export interface Editing {
  readonly id: TurnId;
  readonly draft: string;
}

export interface EditActions {
  typed(content: string): void;
  cancelEdit(): void;
  sendEdit(): void;
}

/** The text field in the place of the message. */
export function renderEdit(language: Language, {draft}: Editing, act: EditActions): TemplateResult {
  const submit = (event: Event) => {
    event.preventDefault();
    act.sendEdit();
  };
  const keydown = (event: KeyboardEvent) => {
    const composing = event.isComposing || event.keyCode === 229;
    if (composing || event.shiftKey || (event.key !== 'Enter' && event.key !== 'Escape')) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === 'Enter') act.sendEdit();
    else act.cancelEdit();
  };
  return html`
    <form part="edit" @submit=${submit}>
      <div class="grow">
        <div class="mirror" aria-hidden="true">${draft}${' '}</div>
        <textarea
          part="edit-input"
          rows="1"
          dir="auto"
          aria-label=${language.text('editInput')}
          .value=${draft}
          @input=${(event: Event) => act.typed((event.currentTarget as HTMLTextAreaElement).value)}
          @keydown=${keydown}
        ></textarea>
      </div>
      <div class="row">
        <button part="button cancel-edit-button" type="button" @click=${act.cancelEdit}>${language.text('cancel')}</button>
        <button part="button send-edit-button" type="submit" ?disabled=${draft.trim() === ''}>${language.text('send')}</button>
      </div>
    </form>
  `;
}
