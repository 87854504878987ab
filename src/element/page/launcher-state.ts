// Whether the launcher's panel is open, for the visitor who opened it: where the focus goes, and that Escape closes it. Knows
// the element by what it can do, and no view.
import {COVERING} from '../styles/covering.ts';

export interface LauncherHost extends Element {
  readonly display: string;
  open: boolean;
  readonly updateComplete: Promise<boolean>;
  readonly shadowRoot: ShadowRoot | null;
  focus(): void;
  requestUpdate(): void;
}

/** What resets like `* {all: unset}` leave of an element's layout. */
export function isReset(host: Element): boolean {
  const {display, position} = getComputedStyle(host);
  return display === 'inline' && position === 'static';
}

/** Open or closed, of one launcher. */
export class LauncherState {
  readonly #host: LauncherHost;
  readonly #small = globalThis.matchMedia?.(COVERING);
  readonly #resized = () => this.#host.requestUpdate();
  /** The panel has been open at least once: only then is there a chat in it. */
  opened = false;

  /** A reset of the page's has taken the host out of its corner. */
  loose = false;

  constructor(host: LauncherHost) {
    this.#host = host;
  }

  get covering(): boolean {
    return this.#small?.matches ?? false;
  }

  connect(): void {
    this.#small?.addEventListener('change', this.#resized);
  }

  disconnect(): void {
    this.#small?.removeEventListener('change', this.#resized);
  }

  /** Looks where the host stands. */
  place(): void {
    this.loose = this.#host.display === 'launcher' && isReset(this.#host);
  }

  /** By the visitor: the focus goes along. */
  readonly toggle = async (): Promise<void> => {
    const open = !this.#host.open;
    this.#host.open = open;
    await this.#host.updateComplete;
    if (open) this.#host.focus();
    else this.#host.shadowRoot?.querySelector<HTMLElement>('[part~="launcher-button"]')?.focus();
  };

  readonly keydown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || event.defaultPrevented || event.isComposing || !this.#host.open) return;
    event.preventDefault();
    this.toggle();
  };
}
