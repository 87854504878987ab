// The chat behind a floating button: the button, and the panel that it opens.
import {html, nothing, type TemplateResult} from 'lit';
import type {Language} from '../languages/index.ts';
import {chatIcon, downIcon} from './icons.ts';

export interface LauncherView {
  language: Language;
  /** The button's name while it is closed; null where the page has slotted words for it. */
  label: string | null;
  open: boolean;
  /** The panel leaves no room for the page: the focus stays inside it. */
  covering: boolean;
  /** The chat; null before it was first opened. */
  chat: TemplateResult | null;
  toggle: () => void;
  keydown: (event: KeyboardEvent) => void;
}

/** Button and panel. */
export function renderLauncher(view: LauncherView): TemplateResult {
  const {language, label, open, covering, chat, toggle, keydown} = view;
  // What a keyboard would leave the panel by brings it back to the panel's other end.
  const edge = (last: boolean) =>
    open && covering
      ? html`<div class="edge" tabindex="0" @focus=${(event: FocusEvent) => wrap(event, last)}></div>`
      : nothing;
  return html`
    <div part="panel" ?hidden=${!open} @keydown=${keydown}>${edge(true)}${chat}${edge(false)}</div>
    <button
      part="button launcher-button"
      type="button"
      lang=${language.tag}
      aria-label=${open ? language.text('closeChat') : (label ?? nothing)}
      aria-expanded=${open}
      aria-haspopup="dialog"
      @click=${toggle}
    >
      ${open ? downIcon : html`${chatIcon}<slot name="launcher-text"></slot>`}
    </button>
  `;
}

const FOCUSABLE =
  'button:not(:disabled), textarea:not(:disabled), summary, input:not(:disabled), [tabindex="0"]:not(.edge)';

function wrap(event: FocusEvent, last: boolean): void {
  const panel = (event.currentTarget as HTMLElement).parentElement;
  const stops = [...(panel?.querySelectorAll<HTMLElement>(FOCUSABLE) ?? [])].filter((stop) => stop.checkVisibility());
  stops.at(last ? -1 : 0)?.focus();
}
