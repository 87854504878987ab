// Keyboard users stay where they are when the control they used gives way to the next view. Knows controls by part.
import type {LitElement} from 'lit';

/** Where a page's `focus()` goes, first what there is. */
export const CONTROLS = [
  'input',
  'remedy-button',
  'resume-button',
  'cancel-button',
  'load-button',
  'report-button',
  'launcher-button',
];

/** Where the focus goes from a control that is gone: to what came in its place, and no keyboard rises over it. */
const SUCCESSORS = ['remedy-button', 'resume-button', 'cancel-button', 'load-button', ...CONTROLS];

/** Moves the focus of one chat when its control goes. */
export class FocusKeeper {
  #wasInside = false;

  /** Before the view changes. */
  remember(root: ShadowRoot | null): void {
    this.#wasInside = Boolean(root?.activeElement);
  }

  /** After the view has changed. */
  restore(root: ShadowRoot | null): void {
    if (!root || !this.#wasInside || root.activeElement) return;
    const controls = SUCCESSORS.map((part) => root.querySelector<HTMLElement>(`[part~="${part}"]`));
    controls.find((control) => control !== null)?.focus();
  }

  /** Once what changed is drawn: to a part of a turn, or of the chat. */
  async to(element: LitElement, turn: number | null, part: string): Promise<void> {
    await element.updateComplete;
    const inside = turn === null ? element.renderRoot : element.renderRoot.querySelector(`[data-turn="${turn}"]`);
    inside?.querySelector<HTMLElement>(`[part~="${part}"]`)?.focus();
  }
}
