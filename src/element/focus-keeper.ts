// Keyboard users stay where they are when the control they used gives way to the next view. Knows controls by part.

/** Where the focus goes, first what there is. */
export const CONTROLS = ['input', 'retry-button', 'cancel-button', 'load-button'];

export class FocusKeeper {
  #wasInside = false;

  /** Before the view changes. */
  remember(root: ShadowRoot | null): void {
    this.#wasInside = Boolean(root?.activeElement);
  }

  /** After the view has changed. */
  restore(root: ShadowRoot | null): void {
    if (!root || !this.#wasInside || root.activeElement) return;
    const controls = CONTROLS.map((part) => root.querySelector<HTMLElement>(`[part~="${part}"]`));
    controls.find((control) => control !== null)?.focus();
  }
}
