// Physical pages of one group of layers: how often each is in use, which are kept for their contents, which are free.
// Owns the counts and the order of eviction. Knows no sequence, no token and no buffer.

/** Why a page's contents are kept. `evicted` is called when the page is taken. */
export interface PageOwner {
  /** Whether the page may go now: others may depend on it. */
  readonly evictable: boolean;
  /** The page is about to be given to another user. */
  evicted(page: number): void;
}

/** The pages of one group. Every page is free, in use, or kept without a user. */
export class PagePool {
  readonly size: number;
  readonly #uses: Uint32Array;
  readonly #owners: (PageOwner | null)[];
  /** Never used, or forgotten. A stack, filled backwards so that low numbers go first. */
  readonly #free: number[];
  /** Kept but in no use, longest unused first. */
  readonly #idle = new Set<number>();

  constructor(size: number) {
    this.size = size;
    this.#uses = new Uint32Array(size);
    this.#owners = new Array<PageOwner | null>(size).fill(null);
    this.#free = Array.from({length: size}, (_, i) => size - 1 - i);
  }

  /** Pages that sequences use. */
  get used(): number {
    return this.size - this.available;
  }

  /** Pages that several sequences use. */
  get shared(): number {
    return this.#uses.reduce((count, uses) => count + (uses > 1 ? 1 : 0), 0);
  }

  /** Pages in no use whose contents are kept. */
  get cached(): number {
    return this.#idle.size;
  }

  /** Pages that `take` can give: free ones and, after them, kept ones in no use. */
  get available(): number {
    return this.#free.length + this.#idle.size;
  }

  /** A page for one user; the caller has made sure that one is available. Kept contents go longest unused first. */
  take(): number {
    const page = this.#free.pop() ?? this.#evict();
    this.#uses[page] = 1;
    return page;
  }

  /** One user more. */
  use(page: number): void {
    this.#uses[page]++;
    this.#idle.delete(page);
  }

  /** One user less. Of the last, the page becomes idle if it is kept and free if not. */
  release(page: number): void {
    if (--this.#uses[page] > 0) return;
    if (this.#owners[page]) this.#idle.add(page);
    else this.#free.push(page);
  }

  /** Keeps the page's contents beyond its last user. */
  keep(page: number, owner: PageOwner): void {
    this.#owners[page] = owner;
  }

  /** The contents are of no more use. */
  forget(page: number): void {
    this.#owners[page] = null;
    if (this.#idle.delete(page)) this.#free.push(page);
  }

  /** Whether its user may write to it: no other sequence reads it, now or later. */
  writable(page: number): boolean {
    return this.#uses[page] === 1 && this.#owners[page] === null;
  }

  #evict(): number {
    for (const page of this.#idle) {
      const owner = this.#owners[page];
      if (!owner?.evictable) continue;
      owner.evicted(page);
      this.#owners[page] = null;
      this.#idle.delete(page);
      // What depended on it may have been forgotten with it, but the page itself is the caller's.
      return page;
    }
    throw new RangeError('no page is available; reserve checks before it takes');
  }
}
