// What the visitor has said and the model has not read yet: there is no model so far, or an answer is being written.
// Knows only texts and their order.

export interface Waiting {
  readonly id: number;
  readonly text: string;
}

/** No one waits for more answers than these. */
const MOST = 20;

/** Texts that wait to be sent, in order. */
export class Outbox {
  #waiting: readonly Waiting[] = [];
  #nextId = 1;
  /** Nothing goes out by itself: the visitor stopped, or something failed. */
  held = false;

  /** First to last. The same array until something changes. */
  get waiting(): readonly Waiting[] {
    return this.#waiting;
  }

  /** False where there are too many already. */
  add(text: string): boolean {
    if (this.#waiting.length >= MOST) return false;
    this.#waiting = [...this.#waiting, {id: this.#nextId++, text}];
    this.held = false;
    return true;
  }

  /** Takes one out, by default the first. */
  take(id = this.#waiting[0]?.id): string | null {
    const found = this.#waiting.find((each) => each.id === id);
    if (!found) return null;
    this.#waiting = this.#waiting.filter((each) => each !== found);
    return found.text;
  }

  /** Puts back what was not said after all; it waits until the visitor says otherwise. */
  putBack(text: string): void {
    this.#waiting = [{id: this.#nextId++, text}, ...this.#waiting];
    this.held = true;
  }

  clear(): void {
    this.#waiting = [];
    this.held = false;
  }
}
