// A page that the visitor leaves may be kept by the browser as it is, and shown again on the way back. Meanwhile it must
// hold nothing that others need: what is told lets go, and comes back with the page.

export interface PageCacheUser {
  /** The page is put aside. */
  leave(): void;
  /** The page is shown again, as it was. */
  comeBack(): void;
}

/** Tells of the page's leaving for the back/forward cache, and of its return. */
export class PageCache {
  readonly #user: PageCacheUser;
  #away = false;

  constructor(user: PageCacheUser) {
    this.#user = user;
  }

  /** The page is put aside. A connection that it opens now may keep the browser from showing it again. */
  get away(): boolean {
    return this.#away;
  }

  connect(): void {
    addEventListener('pagehide', this.#hide);
    addEventListener('pageshow', this.#show);
  }

  disconnect(): void {
    this.#away = false;
    removeEventListener('pagehide', this.#hide);
    removeEventListener('pageshow', this.#show);
  }

  readonly #hide = ({persisted}: PageTransitionEvent): void => {
    if (!persisted) return;
    this.#away = true;
    this.#user.leave();
  };

  readonly #show = ({persisted}: PageTransitionEvent): void => {
    if (!persisted || !this.#away) return;
    this.#away = false;
    this.#user.comeBack();
  };
}
