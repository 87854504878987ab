// Keeps a growing list at its end until the reader scrolls up, and again once they are back. Knows only an element's
// scroll position, its size and its content's: heights of turns out of view are guesses until they come into view.

/** Fractional layouts end up to a pixel short of the end; a little more feels like the end to a reader too. */
const NEAR = 8;

/** Pins one list. */
export class ScrollPin {
  #pinned = true;
  #top = 0;
  #list: Element | null = null;
  #content: unknown = null;
  #observer: ResizeObserver | null = null;

  /** Whether the list is kept at its end. */
  get pinned(): boolean {
    return this.#pinned;
  }

  /** Goes along from here on, wherever the reader is. */
  toEnd(): void {
    this.#pinned = true;
  }

  /** Before the list is drawn with this content. Another one begins at its end. */
  draw(content: unknown): void {
    if (content !== this.#content) this.#pinned = true;
    this.#content = content;
  }

  /** After the list has changed. Its size is watched from then on: a keyboard on the screen takes from it. */
  follow(list: Element | null): void {
    if (list !== this.#list) this.#watch(list);
    if (!list || !this.#pinned) return;
    list.scrollTop = list.scrollHeight;
    this.#top = list.scrollTop;
  }

  scrolled(list: Element): void {
    const left = list.scrollHeight - list.clientHeight - list.scrollTop;
    if (left <= NEAR) this.#pinned = true;
    else if (list.scrollTop < this.#top) this.#pinned = false;
    this.#top = list.scrollTop;
  }

  #watch(list: Element | null): void {
    this.#list = list;
    this.#observer?.disconnect();
    if (!list) return;
    this.#observer ??= new ResizeObserver(() => this.follow(this.#list));
    for (const box of [list, ...list.children]) this.#observer.observe(box);
  }
}
