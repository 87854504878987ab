// One line over the text field that says what was done, with a button that undoes it. It stays until something else is
// done: a visitor may be slow. Knows no view.

export interface Notice {
  readonly text: string;
  readonly undo: () => void;
}

/** The line of one chat. */
export class Notices {
  readonly #changed: () => void;
  /** Null where there is nothing to undo. */
  current: Notice | null = null;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  show(text: string, undo: () => void): void {
    this.current = {text, undo};
    this.#changed();
  }

  clear(): void {
    if (!this.current) return;
    this.current = null;
    this.#changed();
  }

  undo(): void {
    const {current} = this;
    this.clear();
    current?.undo();
  }
}
