// Which pages of the KV pool hold which positions of which sequence. Owns sequences, their page tables and the rules of
// sharing; knows no buffer and no layer. Pages are counted in page-pool.ts, known beginnings are found in prefix-index.ts.
//
// There are two groups of pages, for full-attention and for sliding layers. One number stands for the same page of K
// and V in every layer of its group. Sliding pages go as soon as no later position can see them. A page that more than
// one sequence uses, or that is kept for its contents, is never written: a sequence that has to write gets a copy first.
import {GemmaError} from '../../errors.ts';
import type {Sequence} from '../engine.ts';
import {PagePool} from './page-pool.ts';
import {PageTable} from './page-table.ts';
import {PAGE_GROUPS, PAGE_SIZE, type PageCounts, type PageGroup} from './pages.ts';
import {PrefixIndex, type PrefixMatch, type PrefixNode} from './prefix-index.ts';

/** How much a cache can hold. */
export interface KvCacheShape {
  /** Pages of the full-attention layers. */
  pages: number;
  /** Pages of the sliding layers. */
  slidingPages: number;
  /** Positions that sliding layers see, the present one included; the largest of all layers. 0: there are none. */
  window: number;
  /** Sequences that may live at once: each has a row in the tables. */
  maxSequences: number;
  /** Positions a sequence may hold. */
  contextLength: number;
  /** false: contents are never kept nor shared, for tests of what a step computes. Default true. */
  sharePrefixes?: boolean;
}

/** A sequence and how many positions it is about to grow by. */
export interface Growth {
  sequence: CachedSequence;
  positions: number;
}

/** What a sequence's pages are known by beside their tokens. */
export interface PageContext {
  /** '' for a page that depends on its tokens alone. */
  pageKey(page: number): string;
}

/** Contents that must be copied before a step writes. */
export interface PageCopy {
  group: PageGroup;
  from: number;
  to: number;
}

const NO_PAGE = -1;

/** The bookkeeping of keys and values: sequences, their pages, and which of them are shared. */
export class KvCache {
  readonly shape: Readonly<KvCacheShape>;
  /** Entries of one sequence's table. */
  readonly tableLength: number;
  /** A table a group; a sequence's rows begin at the same index in both. */
  readonly tables: Readonly<Record<PageGroup, PageTable>>;
  readonly #pools: Readonly<Record<PageGroup, PagePool>>;
  readonly #index: PrefixIndex;
  readonly #freeSlots: number[];

  constructor(shape: KvCacheShape) {
    this.shape = shape;
    this.tableLength = Math.ceil(shape.contextLength / PAGE_SIZE);
    const table = () => new PageTable(shape.maxSequences, this.tableLength);
    this.tables = {full: table(), sliding: table()};
    this.#pools = {full: new PagePool(shape.pages), sliding: new PagePool(shape.slidingPages)};
    this.#index = new PrefixIndex(PAGE_SIZE, this.#pools.full, this.#pools.sliding);
    this.#freeSlots = Array.from({length: shape.maxSequences}, (_, i) => shape.maxSequences - 1 - i);
  }

  get sequences(): number {
    return this.shape.maxSequences - this.#freeSlots.length;
  }

  counts(group: PageGroup): PageCounts {
    const {used, shared, cached, size} = this.#pools[group];
    return {used, shared, cached, free: size - used - cached};
  }

  /**
   * A sequence that holds the longest beginning of `prompt` whose keys and values are known, which may be none.
   * @param adapters what is in effect where, if anything is
   * @throws GemmaError `out-of-memory` when `maxSequences` are alive.
   */
  createSequence(prompt: readonly number[] = [], adapters?: PageContext): CachedSequence {
    const sequence = this.#newSequence(adapters);
    this.attachPrefix(sequence, prompt);
    return sequence;
  }

  /**
   * Attaches known pages of `prompt`, which begins with what the sequence holds. Only at page boundaries: a partly filled
   * page is never replaced.
   * @returns positions it then holds
   */
  attachPrefix(sequence: CachedSequence, prompt: readonly number[]): number {
    checkAlive(sequence);
    this.#dropReserved(sequence);
    const held = sequence.tokens.length;
    const begin = held / PAGE_SIZE;
    if (begin !== sequence.nodes.length || begin !== sequence.full.length) return held;
    const rest = prompt.slice(held, this.shape.contextLength);
    const path = this.#index.match(rest, sequence.nodes.at(-1), (page) => keyOf(sequence, begin + page));
    const count = this.#usable(sequence, path);
    if (count > 0) sequence.revision++;
    path.slice(0, count).forEach(({node, length}, i) => {
      this.#attach(sequence, 'full', begin + i, node.full);
      if (this.#has('sliding')) {
        if (node.sliding === NO_PAGE) sequence.sliding.push(NO_PAGE);
        else this.#attach(sequence, 'sliding', begin + i, node.sliding);
      }
      sequence.tokens.push(...node.tokens.slice(0, length));
      if (length === PAGE_SIZE) sequence.nodes.push(node);
    });
    this.#leaveWindow(sequence);
    return sequence.tokens.length;
  }

  /** Whether the sequence could grow by `positions` now, fed in chunks of at most `chunkSize`. */
  roomFor(sequence: CachedSequence, positions: number, chunkSize: number): boolean {
    const growth = [{sequence, positions}];
    // Pages that leave the window are released while the rest is fed.
    const most = pagesFor(this.shape.window + chunkSize) + 1;
    return (
      this.wanted('full', growth) <= this.#pools.full.available &&
      Math.min(most, this.wanted('sliding', growth)) <= this.#pools.sliding.available
    );
  }

  /**
   * Another sequence with the same contents. Nothing is copied until one of the two writes.
   * @throws GemmaError `out-of-memory` when `maxSequences` are alive.
   */
  clone(original: CachedSequence): CachedSequence {
    checkAlive(original);
    this.#dropReserved(original);
    const sequence = this.#newSequence(original.adapters);
    sequence.tokens.push(...original.tokens);
    sequence.nodes.push(...original.nodes);
    original.full.forEach((page, i) => {
      this.#attach(sequence, 'full', i, page);
    });
    original.sliding.forEach((page, i) => {
      if (page === NO_PAGE) sequence.sliding.push(NO_PAGE);
      else this.#attach(sequence, 'sliding', i, page);
    });
    return sequence;
  }

  /**
   * Gives every sequence pages of its own for its growth, or changes nothing at all.
   * @returns what has to be copied before the step writes
   * @throws GemmaError `context-overflow` past a sequence's end, `out-of-memory` when a pool has too few pages,
   *   `closed` for a freed sequence.
   */
  reserve(growths: readonly Growth[]): PageCopy[] {
    for (const {sequence, positions} of growths) this.#checkGrowth(sequence, positions);
    this.#checkRoom('full', growths);
    this.#checkRoom('sliding', growths);
    const copies: PageCopy[] = [];
    for (const {sequence, positions} of growths) {
      if (positions === 0) continue;
      for (const group of PAGE_GROUPS) {
        if (!this.#has(group)) continue;
        const pages = sequence[group];
        const tail = this.#tailToCopy(sequence, group);
        if (tail !== NO_PAGE) {
          const to = this.#pools[group].take();
          copies.push({group, from: tail, to});
          this.#pools[group].release(tail);
          this.#place(sequence, group, pages.length - 1, to);
        }
        const count = pagesFor(sequence.tokens.length + positions);
        while (pages.length < count) this.#place(sequence, group, pages.length, this.#pools[group].take());
      }
    }
    return copies;
  }

  /** Records tokens whose keys and values go to pages that were reserved, and keeps the pages they fill. */
  append(sequence: CachedSequence, tokens: readonly number[]): void {
    for (const token of tokens) sequence.tokens.push(token);
    if (this.shape.sharePrefixes !== false) {
      while ((sequence.nodes.length + 1) * PAGE_SIZE <= sequence.tokens.length) this.#keepNext(sequence);
    }
    this.#leaveWindow(sequence);
  }

  /**
   * Cuts a sequence back to its first `length` tokens. The next position has to see whole windows: where sliding pages are
   * gone that it would see, and the index has not kept them either, the sequence is cut further, to before them.
   * @returns positions it then holds
   * @throws GemmaError `internal` when it holds fewer than `length`, `closed` for a freed sequence
   */
  truncate(sequence: CachedSequence, length: number): number {
    checkAlive(sequence);
    if (!Number.isInteger(length) || length < 0 || length > sequence.tokens.length) {
      throw new GemmaError('internal', `cannot cut ${sequence.tokens.length} tokens back to ${length}`);
    }
    if (length === sequence.tokens.length) return length;
    sequence.revision++;
    const held = this.#longestVisible(sequence, length);
    const pages = pagesFor(held);
    const first = Math.min(this.#firstVisible(held), pages);
    for (let i = first; i < pages; i++) {
      if (sequence.sliding[i] === NO_PAGE) this.#attach(sequence, 'sliding', i, sequence.nodes[i].sliding);
    }
    sequence.leftWindow = this.#has('sliding') ? first : 0;
    this.#releaseFrom(sequence, pages);
    sequence.tokens.length = held;
    sequence.nodes.length = Math.min(sequence.nodes.length, Math.floor(held / PAGE_SIZE));
    return held;
  }

  /** Gives the sequence's pages back. What they hold is kept until they are needed. Idempotent. */
  free(sequence: CachedSequence): void {
    if (sequence.freed) return;
    sequence.freed = true;
    if (this.shape.sharePrefixes !== false) this.#keepTail(sequence);
    this.#releaseFrom(sequence, 0);
    sequence.tokens.length = 0;
    sequence.nodes.length = 0;
    this.#freeSlots.push(sequence.slot);
  }

  /** Pages of each group that `growths` would take. */
  wanted(group: PageGroup, growths: readonly Growth[]): number {
    if (!this.#has(group)) return 0;
    let wanted = 0;
    for (const {sequence, positions} of growths) {
      if (positions === 0) continue;
      if (this.#tailToCopy(sequence, group) !== NO_PAGE) wanted += 1;
      wanted += Math.max(0, pagesFor(sequence.tokens.length + positions) - sequence[group].length);
    }
    return wanted;
  }

  /** Gives back a page that was reserved for a position which was not appended: it belongs to no one else's beginning. */
  #dropReserved(sequence: CachedSequence): void {
    const pages = pagesFor(sequence.tokens.length);
    if (sequence.full.length <= pages) return;
    sequence.revision++;
    this.#releaseFrom(sequence, pages);
  }

  #has(group: PageGroup): boolean {
    return group === 'full' || this.shape.window > 0;
  }

  #newSequence(adapters: PageContext | undefined): CachedSequence {
    const slot = this.#freeSlots.pop();
    if (slot === undefined) {
      throw new GemmaError(
        'out-of-memory',
        `all ${this.shape.maxSequences} conversations are in use; end one, or load the model with more`,
        {detail: {maxSequences: this.shape.maxSequences}},
      );
    }
    return new CachedSequence(this, slot, slot * this.tableLength, adapters);
  }

  #checkGrowth(sequence: CachedSequence, positions: number): void {
    checkAlive(sequence);
    const length = sequence.tokens.length + positions;
    if (length <= this.shape.contextLength) return;
    throw new GemmaError(
      'context-overflow',
      `the conversation would have ${length} tokens; the context holds ${this.shape.contextLength}. Shorten it, or load the model with a longer context`,
      {detail: {tokens: length, contextLength: this.shape.contextLength}},
    );
  }

  #checkRoom(group: PageGroup, growths: readonly Growth[]): void {
    const wanted = this.wanted(group, growths);
    const {available, size} = this.#pools[group];
    if (wanted <= available) return;
    throw new GemmaError(
      'out-of-memory',
      `${wanted} more pages of keys and values are needed, ${available} of ${size} can be had. End or shorten a conversation, or load the model with more pages`,
      {detail: {group, wanted, available, pages: size}},
    );
  }

  /** The page that the next position belongs to, where it must not be written. */
  #tailToCopy({tokens, full, sliding}: CachedSequence, group: PageGroup): number {
    if (tokens.length % PAGE_SIZE === 0) return NO_PAGE;
    const page = (group === 'full' ? full : sliding).at(-1)!;
    return this.#pools[group].writable(page) ? NO_PAGE : page;
  }

  #attach(sequence: CachedSequence, group: PageGroup, index: number, page: number): void {
    this.#pools[group].use(page);
    this.#place(sequence, group, index, page);
  }

  #place(sequence: CachedSequence, group: PageGroup, index: number, page: number): void {
    sequence[group][index] = page;
    this.tables[group].set(sequence.table + index, page);
  }

  /** First page that a query at position `length` or later can see on a sliding layer. */
  #firstVisible(length: number): number {
    if (!this.#has('sliding')) return Number.POSITIVE_INFINITY;
    return Math.floor(Math.max(0, length + 1 - this.shape.window) / PAGE_SIZE);
  }

  /** How many pages of a path a sequence can take: as many as have all sliding pages that the next position sees. */
  #usable(sequence: CachedSequence, path: readonly PrefixMatch[]): number {
    const begin = sequence.nodes.length;
    for (let count = path.length; count > 0; count--) {
      const first = this.#firstVisible(sequence.tokens.length + lengthOf(path, count));
      const own = sequence.sliding.slice(Math.min(first, begin), begin);
      const theirs = path.slice(Math.max(0, first - begin), count);
      if (own.every((page) => page !== NO_PAGE) && theirs.every(({node}) => node.sliding !== NO_PAGE)) return count;
    }
    return 0;
  }

  /** The next page is full: from now on it is read only, and may serve others. */
  #keepNext(sequence: CachedSequence): void {
    const i = sequence.nodes.length;
    const parent = sequence.nodes.at(-1) ?? this.#index.root;
    const tokens = sequence.tokens.slice(i * PAGE_SIZE, (i + 1) * PAGE_SIZE);
    const [full, sliding] = [sequence.full[i], sequence.sliding[i] ?? NO_PAGE];
    const key = keyOf(sequence, i);
    const known = this.#index.find(parent, tokens, key);
    sequence.nodes.push(known ?? this.#index.add(parent, tokens, full, sliding, key));
    if (!known || known.full === full) return;
    // Another sequence has computed the same: keep one of the two pages.
    this.#attach(sequence, 'full', i, known.full);
    this.#pools.full.release(full);
    if (sliding === NO_PAGE) return;
    if (known.sliding === NO_PAGE) this.#index.setSliding(known, sliding);
    else {
      this.#attach(sequence, 'sliding', i, known.sliding);
      this.#pools.sliding.release(sliding);
    }
  }

  /** Keeps the contents of a partly filled page, unless as much of the same text is kept already. */
  #keepTail(sequence: CachedSequence): void {
    const start = sequence.nodes.length * PAGE_SIZE;
    const rest = sequence.tokens.slice(start);
    if (rest.length === 0) return;
    const parent = sequence.nodes.at(-1) ?? this.#index.root;
    const [full, sliding] = [sequence.full.at(-1)!, sequence.sliding.at(-1) ?? NO_PAGE];
    const unique = PAGE_GROUPS.every((group) => {
      const page = group === 'full' ? full : sliding;
      return page === NO_PAGE || this.#pools[group].writable(page);
    });
    if (!unique) return;
    const key = keyOf(sequence, sequence.nodes.length);
    for (const child of parent.children.values()) {
      if (child.key === key && rest.every((token, i) => child.tokens[i] === token)) return;
    }
    this.#index.add(parent, rest, full, sliding, key);
  }

  #leaveWindow(sequence: CachedSequence): void {
    const end = Math.min(this.#firstVisible(sequence.tokens.length), sequence.sliding.length);
    while (sequence.leftWindow < end) {
      const page = sequence.sliding[sequence.leftWindow];
      if (page !== NO_PAGE) this.#pools.sliding.release(page);
      sequence.sliding[sequence.leftWindow++] = NO_PAGE;
    }
  }

  /** The most positions up to `length` whose next one finds all sliding pages that it sees, here or in the index. */
  #longestVisible({sliding, nodes}: CachedSequence, length: number): number {
    let held = length;
    for (;;) {
      let missing = pagesFor(held) - 1;
      const first = this.#firstVisible(held);
      while (missing >= first && (sliding[missing] !== NO_PAGE || (nodes[missing]?.sliding ?? NO_PAGE) !== NO_PAGE)) {
        missing--;
      }
      if (missing < first) return held;
      held = missing * PAGE_SIZE;
    }
  }

  /** Releases all but the first `count` pages, the last one first: an earlier page is kept longer, because it is worth more. */
  #releaseFrom(sequence: CachedSequence, count: number): void {
    for (const group of PAGE_GROUPS) {
      const pages = sequence[group];
      while (pages.length > count) {
        const page = pages.pop()!;
        if (page !== NO_PAGE) this.#pools[group].release(page);
      }
    }
  }
}

/** A conversation's place in the cache: its tokens and its pages. Only KvCache changes it. */
export class CachedSequence implements Sequence {
  readonly slot: number;
  /** Where its table begins in `KvCache.tables`. */
  readonly table: number;
  readonly tokens: number[] = [];
  readonly full: number[] = [];
  /** −1 where the page has left the window. Empty where no layer slides. */
  readonly sliding: number[] = [];
  /** The nodes of its full pages, in order. */
  readonly nodes: PrefixNode[] = [];
  /** Pages before this one have left the window. */
  leftWindow = 0;
  freed = false;
  /** Counts changes other than by `append`: pages may hold other positions since. */
  revision = 0;
  readonly adapters: PageContext | undefined;
  readonly #cache: KvCache;

  constructor(cache: KvCache, slot: number, table: number, adapters?: PageContext) {
    this.#cache = cache;
    this.adapters = adapters;
    this.slot = slot;
    this.table = table;
  }

  attachPrefix(prompt: readonly number[]): number {
    return this.#cache.attachPrefix(this, prompt);
  }

  truncate(length: number): number {
    return this.#cache.truncate(this, length);
  }

  clone(): CachedSequence {
    return this.#cache.clone(this);
  }

  free(): void {
    this.#cache.free(this);
  }
}

const keyOf = ({adapters}: CachedSequence, page: number): string => adapters?.pageKey(page) ?? '';

function checkAlive(sequence: CachedSequence): void {
  if (sequence.freed) throw new GemmaError('closed', 'the conversation was freed; create a new one');
}

function pagesFor(positions: number): number {
  return Math.ceil(positions / PAGE_SIZE);
}

/** Tokens in the first `pages` pages of a path. */
function lengthOf(path: readonly PrefixMatch[], pages: number): number {
  return path.slice(0, pages).reduce((sum, {length}) => sum + length, 0);
}
