// Makes an index of pages that are given one after the other, and hands out its files. Knows no folder and no markup.
import {
  DIRECTORY_SIZE,
  type DirectoryEntry,
  FORMAT_VERSION,
  type Manifest,
  nextPage,
  type PageText,
  type PassageText,
  type Posting,
  writePages,
  writeTermDirectory,
  writeTermShard,
  writeTextBlock,
  writeTextDirectory,
} from './format.ts';
import type {Passage} from './passages.ts';
import {Starters} from './starters.ts';
import type {Words} from './terms.ts';
import type {VectorInfo} from './vectors.ts';
import {weigh} from './weigh.ts';

export interface IndexPage {
  /** Address from the site's folder. */
  url: string;
  title: string;
  /** ISO 639-1, or ''. */
  language: string;
  passages: readonly Passage[];
}

/** Stores a file under a name made from its hash, and returns that name. */
export type StoreFile = (bytes: Uint8Array<ArrayBuffer>) => string;

/** Bytes of a shard or a block at which the next one begins. */
const SHARD_BYTES = 5 * 1024;
const BLOCK_BYTES = 8 * 1024;
/** Headings kept of a passage, the nearest. */
export const KEPT_HEADINGS = 6;
/** Passages kept of a term. What is in more says little, and would weigh most. */
const MOST_POSTINGS = 2500;

/** One index in the making: `add` pages, then `finish`. Texts go to files as they come; postings stay in memory until the end. */
export class IndexBuilder {
  readonly #store: StoreFile;
  /** Passage and impact of each posting, as one number: 32 · passage + impact. */
  readonly #postings = new Map<string, number[]>();
  readonly #counts: number[] = [];
  readonly #languages = new Map<string, number>();
  readonly #starters = new Starters();
  readonly #blocks: DirectoryEntry<number>[] = [];
  #pages: PageText[] = [];
  #texts = new Map<number, PassageText>();
  #bytes = 0;
  #start = 0;
  #passages = 0;

  constructor(store: StoreFile) {
    this.#store = store;
  }

  /** Returns the number of the page's first passage. */
  add(page: IndexPage, words: Words): number {
    const {url, title, language, passages} = page;
    this.#languages.set(language, (this.#languages.get(language) ?? 0) + 1);
    const titleTerms = words.terms(`${title}\n${addressWords(url)}`);
    // A page that fills a block by itself begins one, so that a change before it does not move what is in it.
    const large = passages.reduce((sum, {text}) => sum + text.length, 0) >= BLOCK_BYTES / 2;
    if (large) this.#endBlock();
    let pageIndex = -1;
    passages.forEach((passage, i) => {
      const number = this.#start + i;
      if (this.#bytes >= BLOCK_BYTES) this.#endBlock();
      if (this.#pages[pageIndex]?.url !== url) pageIndex = this.#pages.push({url, title}) - 1;
      const {headings, anchor, text} = passage;
      this.#texts.set(number, {page: pageIndex, headings: headings.slice(-KEPT_HEADINGS), anchor, text});
      this.#bytes += text.length;
      const fields = [words.terms(text), words.terms(`${headings.join('\n')}\n${passage.terms}`), titleTerms];
      for (const [term, impact] of weigh(fields)) {
        const postings = this.#postings.get(term);
        if (postings) postings.push(32 * number + impact);
        else this.#postings.set(term, [32 * number + impact]);
      }
    });
    if (large) this.#endBlock();
    this.#starters.add(passages.map(({headings}) => headings.at(-1) ?? ''));
    this.#counts.push(passages.length);
    this.#passages += passages.length;
    const first = this.#start;
    this.#start = nextPage(first, passages.length);
    return first;
  }

  get passages(): number {
    return this.#passages;
  }

  /**
   * @param site from the index's folder to the one that addresses begin at
   * @param vectors those of the passages, where there are some
   */
  finish(site: string, vectors?: VectorInfo): Manifest {
    this.#endBlock();
    const languages = [...this.#languages]
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .map(([language]) => language);
    return {
      version: FORMAT_VERSION,
      site,
      languages,
      pages: {file: this.#store(writePages(this.#counts)), count: this.#counts.length},
      passages: this.#passages,
      starters: this.#starters.choose(),
      terms: this.#directory(this.#shards(), writeTermDirectory),
      texts: this.#directory(this.#blocks, writeTextDirectory),
      ...(vectors ? {vectors} : {}),
    };
  }

  #endBlock(): void {
    if (this.#texts.size === 0) return;
    const [first] = this.#texts.keys();
    this.#blocks.push({first, file: this.#store(writeTextBlock({pages: this.#pages, passages: this.#texts}))});
    this.#pages = [];
    this.#texts = new Map();
    this.#bytes = 0;
  }

  #shards(): DirectoryEntry<string>[] {
    const shards: DirectoryEntry<string>[] = [];
    let shard: [string, {passages: number; postings: Posting[]}][] = [];
    let bytes = 0;
    const end = (): void => {
      if (shard.length > 0) shards.push({first: shard[0][0], file: this.#store(writeTermShard(shard))});
      shard = [];
      bytes = 0;
    };
    for (const term of [...this.#postings.keys()].sort()) {
      const all = this.#postings.get(term)!;
      const postings = most(all).map((each) => ({passage: Math.floor(each / 32), impact: each % 32}));
      // A term that fills a shard has it for itself: who asks for its neighbours need not fetch it.
      const size = term.length / 2 + 2.2 * postings.length;
      if (bytes > 0 && (bytes + size > SHARD_BYTES || size > SHARD_BYTES / 2)) end();
      shard.push([term, {passages: all.length, postings}]);
      bytes += size;
      if (size > SHARD_BYTES / 2) end();
    }
    end();
    return shards;
  }

  #directory<Key extends string | number>(
    entries: DirectoryEntry<Key>[],
    write: (entries: DirectoryEntry<Key>[]) => Uint8Array<ArrayBuffer>,
  ): DirectoryEntry<Key>[] {
    const directory: DirectoryEntry<Key>[] = [];
    for (let at = 0; at < entries.length; at += DIRECTORY_SIZE) {
      const part = entries.slice(at, at + DIRECTORY_SIZE);
      directory.push({first: part[0].first, file: this.#store(write(part))});
    }
    return directory;
  }
}

/** The postings with the highest impact, by passage. */
function most(postings: readonly number[]): readonly number[] {
  if (postings.length <= MOST_POSTINGS) return postings;
  const counts = new Array<number>(32).fill(0);
  for (const each of postings) counts[each % 32] += 1;
  let least = 31;
  let room = MOST_POSTINGS;
  while (least > 0 && counts[least] <= room) room -= counts[least--];
  return postings.filter((each) => {
    const impact = each % 32;
    if (impact > least) return true;
    if (impact < least || room === 0) return false;
    room -= 1;
    return true;
  });
}

/** What an address says in words. */
function addressWords(url: string): string {
  return url.replace(/(?:^|\/)index\.\w+$|\.\w+$/, '').replace(/[/_.%-]+/g, ' ');
}
