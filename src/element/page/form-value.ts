// The chat as a field of a form: what it is sent as, and whether the form lets the visitor act. Knows no view.

import type {ChatMessage} from '../../protocol/messages.ts';
import type {Conversation} from '../chat/conversation.ts';

export type ValueFormat = 'json' | 'text';

/** `[{"role": "user", "content": "…"}, …]`, or each message under its author's name; null while there is none. */
export function transcript(
  messages: readonly ChatMessage[],
  format: ValueFormat,
  names: (role: string) => string,
): string | null {
  if (messages.length === 0) return null;
  if (format === 'text') return messages.map(({role, content}) => `${names(role)}: ${content}`).join('\n\n');
  return JSON.stringify(messages.map(({role, content}) => ({role, content})));
}

/** One chat's ElementInternals. */
export class FormValue {
  readonly #internals: ElementInternals | null;
  #set = '';
  #disabled = false;

  constructor(element: HTMLElement) {
    // Not where the element is only rendered to a string.
    this.#internals = element.attachInternals?.() ?? null;
  }

  get form(): HTMLFormElement | null {
    return this.#internals?.form ?? null;
  }

  /** The form, or a fieldset around the chat, is disabled; or the chat itself. */
  get disabled(): boolean {
    return this.#disabled;
  }

  set disabled(disabled: boolean) {
    this.#disabled = disabled;
  }

  /** Makes the shown messages the value; cheap where they are as they were. */
  update(conversation: Conversation, format: ValueFormat, names: (role: string) => string): void {
    const key = `${format} ${conversation.version} ${conversation.head}`;
    if (key === this.#set) return;
    this.#set = key;
    const value = transcript(
      conversation.path.map(({message}) => message),
      format,
      names,
    );
    this.#internals?.setFormValue?.(value);
  }
}
