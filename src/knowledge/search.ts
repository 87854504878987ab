// From a question to passages: one index, open. Owns ranking and what of the index is in memory; where files come from is
// index-files.ts's.
import {
  type DirectoryEntry,
  type Manifest,
  parseManifest,
  readPages,
  readTermDirectory,
  readTermShard,
  readTextBlock,
  readTextDirectory,
  type TermEntry,
  type TextBlock,
} from './format.ts';
import type {Meaning} from './meaning.ts';
import {type Asked, bestByWords, nearness, type Ranked, rank} from './rank.ts';
import {allowedEdits, nearest} from './spelling.ts';
import {baseLanguage, Words} from './terms.ts';
import {readVectorInfo, type VectorInfo} from './vectors.ts';
import {rarity} from './weigh.ts';

/** Where an index's files come from: IndexFiles, or memory. */
export interface IndexSource {
  /** Address that `site` of the manifest is relative to. */
  readonly url: string;
  manifest(integrity: string | undefined, signal?: AbortSignal): Promise<string>;
  file(name: string, signal?: AbortSignal): Promise<Uint8Array>;
}

export interface SearchOptions {
  /** Most passages. Default 5. */
  limit?: number;
  /** Most passages of one page. Default 3. */
  perPage?: number;
  /** The question's language, where it is not the index's first. */
  language?: string;
  signal?: AbortSignal;
}

export interface FoundPassage {
  /** Absolute address of the page, with the anchor of the passage. */
  url: string;
  /** Title of the page, headings down to the passage, its text: all as the page has them, to be shown as text. */
  title: string;
  headings: string[];
  text: string;
  /** For comparing passages of one answer. */
  score: number;
}

export interface SearchResult {
  passages: FoundPassage[];
  /** Whether the passages are likely to answer the question. */
  sufficient: boolean;
  /** What `sufficient` is decided by, 0 to 1. */
  confidence: number;
  /** Words that the index does not have and what was searched instead. */
  corrections: {word: string; instead: string}[];
}

/** Confidence from which on passages are given as an answer. */
export const SUFFICIENT = 0.5;
/** Passages that are joined, and how many of the best are looked at for it. */
const LONGEST_RUN = 2;
const JOINED_FROM = 12;
const MOST_TERMS = 32;
const FEW_PASSAGES = 200;
/** Blocks and shards in memory; the oldest go first. */
const MOST_SHARDS = 256;
const MOST_BLOCKS = 128;

/** Passages of one page that follow each other. */
interface Run {
  page: number;
  first: number;
  count: number;
  score: number;
}

/** One open index: BM25 (Robertson and Zaragoza, "The probabilistic relevance framework", 2009) over its shards. */
export class SiteSearch {
  readonly #files: IndexSource;
  readonly #manifest: Manifest;
  /** First passage of each page. */
  readonly #pages: Uint32Array;
  readonly #shards: Kept<Map<string, TermEntry>>;
  readonly #blocks: Kept<TextBlock>;
  readonly #terms: Kept<DirectoryEntry<string>[]>;
  readonly #texts: Kept<DirectoryEntry<number>[]>;
  readonly #vectors: VectorInfo | null;
  readonly #loadsItself: boolean;
  #meaning: Meaning | null = null;
  #loading: Promise<void> | null = null;

  private constructor(files: IndexSource, manifest: Manifest, pages: Uint32Array, meaning: boolean) {
    this.#files = files;
    this.#manifest = manifest;
    this.#pages = pages;
    this.#loadsItself = meaning;
    this.#vectors = manifest.vectors === undefined ? null : readVectorInfo(manifest.vectors, manifest.passages);
    const limit = pages[pages.length - 1];
    this.#shards = new Kept(MOST_SHARDS, (name, signal) =>
      files.file(name, signal).then((bytes) => readTermShard(bytes, limit)),
    );
    this.#blocks = new Kept(MOST_BLOCKS, (name, signal) => files.file(name, signal).then(readTextBlock));
    this.#terms = new Kept(64, (name, signal) => files.file(name, signal).then(readTermDirectory));
    this.#texts = new Kept(64, (name, signal) => files.file(name, signal).then(readTextDirectory));
  }

  /**
   * @param options `integrity`: SHA-256 that the manifest must have; it names every other file by its hash. `meaning`: whether
   *   the first question makes the next ones find by meaning, where the index has vectors; default true
   * @throws KnowledgeFailure `network`, `http-status`, `integrity-mismatch`, `knowledge-invalid`
   */
  static async open(
    files: IndexSource,
    options: {integrity?: string; meaning?: boolean; signal?: AbortSignal} = {},
  ): Promise<SiteSearch> {
    const manifest = parseManifest(await files.manifest(options.integrity, options.signal));
    const pages = readPages(await files.file(manifest.pages.file, options.signal));
    return new SiteSearch(files, manifest, pages, options.meaning ?? true);
  }

  get pages(): number {
    return this.#manifest.pages.count;
  }

  get passages(): number {
    return this.#manifest.passages;
  }

  async search(question: string, options: SearchOptions = {}): Promise<SearchResult> {
    const {limit = 5, perPage = 3, signal} = options;
    const words = await Words.of(this.#language(options.language));
    const asked = words.questionTerms(question.slice(0, 2000)).slice(0, MOST_TERMS);
    const found = await Promise.all(asked.map(({term}) => this.#lookUp(term, signal)));
    const corrections: SearchResult['corrections'] = [];
    const terms: Asked[] = [];
    let unknown = 0;
    await Promise.all(
      asked.map(async ({term, word}, i) => {
        const entry = found[i];
        if (entry) {
          terms.push({entry, weight: this.#rarity(entry.passages)});
          return;
        }
        const instead = await this.#mend(term, signal);
        if (!instead) {
          unknown += 1;
          return;
        }
        corrections.push({word, instead: instead.term});
        terms.push({entry: instead.entry, weight: 0.8 * this.#rarity(instead.entry.passages)});
      }),
    );
    // Without a network, a word of the question may be missing that was not asked before: words alone are left.
    const cosines = (await this.#meaning?.cosines(question.slice(0, 2000)).catch(() => null)) ?? null;
    const ranked = rank(terms, cosines, (passage) => this.#pageOf(passage));
    const chosen = this.#choose(ranked.slice(0, Math.max(50, limit * 5)), limit, perPage);
    const passages = await Promise.all(chosen.map((run) => this.#joined(run, signal)));
    // What finds by meaning weighs megabytes: it comes when someone asks, after what answers by words.
    if (this.#loadsItself) void this.loadMeaning().catch(() => undefined);
    const confidence = this.#confidence(terms, unknown, ranked, cosines && nearness(cosines));
    return {
      passages: passages.filter((each) => each !== null),
      sufficient: passages.length > 0 && confidence >= SUFFICIENT,
      confidence,
      corrections,
    };
  }

  /**
   * Makes the next question find by meaning as well, where the index has vectors: loads them and what embeds questions. Runs by
   * itself after the first question.
   * @throws KnowledgeFailure; words alone are then searched, and it is tried again with the next question
   */
  loadMeaning(): Promise<void> {
    const info = this.#vectors;
    if (!info || this.#meaning) return Promise.resolve();
    this.#loading ??= this.#openMeaning(info).finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #openMeaning(info: VectorInfo): Promise<void> {
    const {Meaning} = await import('./meaning.ts');
    this.#meaning = await Meaning.open(info, this.#pages[this.#pages.length - 1], (name) => this.#files.file(name));
  }

  /** On a small site every word is in a large share of the passages, and tells no less for that. */
  #rarity(passages: number): number {
    return rarity(passages, Math.max(this.passages, FEW_PASSAGES));
  }

  #language(asked: string | undefined): string {
    const {languages} = this.#manifest;
    const language = baseLanguage(asked);
    return languages.includes(language) ? language : (languages[0] ?? '');
  }

  async #shardOf(term: string, signal?: AbortSignal): Promise<Map<string, TermEntry> | null> {
    const part = lastAtMost(this.#manifest.terms, term);
    if (!part) return null;
    const shard = lastAtMost(await this.#terms.get(part.file, signal), term);
    return shard ? this.#shards.get(shard.file, signal) : null;
  }

  async #lookUp(term: string, signal?: AbortSignal): Promise<TermEntry | null> {
    return (await this.#shardOf(term, signal))?.get(term) ?? null;
  }

  /** What was meant by a term that there is not: near ones stand in the same shard, unless the first letters are wrong. */
  async #mend(term: string, signal?: AbortSignal): Promise<{term: string; entry: TermEntry} | null> {
    if (allowedEdits(term) === 0) return null;
    for (const start of [term, term[1] + term[0] + term.slice(2)]) {
      const shard = await this.#shardOf(start, signal);
      const near = shard && nearest(term, shard);
      if (near) return {term: near, entry: shard.get(near)!};
    }
    return null;
  }

  /** The best, at most `perPage` of a page. One that goes on where a better one ends is read in one piece with it. */
  #choose(ranked: readonly Ranked[], limit: number, perPage: number): Run[] {
    const counts = new Map<number, number>();
    const runs: Run[] = [];
    for (const [place, {passage, score}] of ranked.entries()) {
      const joins = place < JOINED_FROM;
      if (runs.length >= limit && !joins) break;
      const page = this.#pageOf(passage);
      const before = joins && runs.find((run) => run.page === page && run.first + run.count === passage);
      const count = counts.get(page) ?? 0;
      if (before && before.count < LONGEST_RUN) before.count += 1;
      else if (runs.length < limit && count < perPage) {
        counts.set(page, count + 1);
        runs.push({page, first: passage, count: 1, score});
      }
    }
    return runs;
  }

  #pageOf(passage: number): number {
    let low = 0;
    let high = this.#pages.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#pages[middle] <= passage) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** With the address and the headings of the first, which is the better one. */
  async #joined({first, count, score}: Run, signal?: AbortSignal): Promise<FoundPassage | null> {
    const numbers = Array.from({length: count}, (_, i) => first + i);
    const [found, ...more] = await Promise.all(numbers.map((passage) => this.#passage(passage, score, signal)));
    return found && {...found, text: [found, ...more].flatMap((each) => each?.text ?? []).join('\n')};
  }

  async #passage(passage: number, score: number, signal?: AbortSignal): Promise<FoundPassage | null> {
    const part = lastAtMost(this.#manifest.texts, passage);
    const entry = part && lastAtMost(await this.#texts.get(part.file, signal), passage);
    const block = entry && (await this.#blocks.get(entry.file, signal));
    const found = block?.passages.get(passage);
    if (!block || !found) return null;
    const {url, title} = block.pages[found.page];
    const address = pageAddress(url, found.anchor, this.#files.url, this.#manifest.site);
    if (!address) return null;
    return {url: address, title, headings: found.headings, text: found.text, score};
  }

  /**
   * How much of what was asked the best passages have: the share of the question's words, weighed by how rare they are,
   * and how much they say of those passages. A long question is never found whole; a word that the site does not use
   * tells most. With meaning, also how much nearer than the others the nearest passage is. The numbers were chosen on the
   * known questions of `npm run eval:knowledge`, so that SUFFICIENT keeps 94 % of those that the sites answer.
   */
  #confidence(terms: readonly Asked[], unknown: number, ranked: readonly Ranked[], near: number | null): number {
    const known = terms.reduce((sum, {weight}) => sum + weight, 0);
    const all = known + unknown * this.#rarity(0);
    if (all === 0 || (known === 0 && near === null)) return 0;
    const best = bestByWords(ranked, 5);
    const share = Math.max(...best.map((each) => each.share), 0) / all;
    const score = best.reduce((sum, each) => sum + each.words, 0) / Math.max(1, best.length) / all;
    const length = Math.min(6, terms.length + unknown);
    const words = share + score + 0.07 * length - 0.1 * unknown;
    return Math.min(1, Math.max(0, near === null ? words / 2.2 : (words + 1.6 * near) / 3.35));
  }
}

/** The passage's address; null where an index tries to lead to another origin than its own site's. */
function pageAddress(url: string, anchor: string, index: string, site: string): string | null {
  try {
    const base = new URL(site, index);
    const address = new URL(url, base);
    if (!/^https?:$/.test(address.protocol) || address.origin !== base.origin) return null;
    address.hash = anchor === '' ? '' : `#${encodeURIComponent(anchor)}`;
    return address.href;
  } catch {
    return null;
  }
}

function lastAtMost<Key extends string | number>(
  entries: readonly DirectoryEntry<Key>[],
  key: Key,
): DirectoryEntry<Key> | null {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle].first <= key) low = middle + 1;
    else high = middle;
  }
  return low > 0 ? entries[low - 1] : null;
}

/** What was read of files, so many of them. Two that ask for one file wait for the same. */
class Kept<T> {
  readonly #most: number;
  readonly #read: (name: string, signal?: AbortSignal) => Promise<T>;
  readonly #values = new Map<string, Promise<T>>();

  constructor(most: number, read: (name: string, signal?: AbortSignal) => Promise<T>) {
    this.#most = most;
    this.#read = read;
  }

  get(name: string, signal?: AbortSignal): Promise<T> {
    const kept = this.#values.get(name);
    if (kept) return kept;
    // One that leaves must not end what others wait for: a file is small, and is read to its end.
    const value = this.#read(name);
    this.#values.set(name, value);
    value.catch(() => this.#values.delete(name));
    if (this.#values.size > this.#most) this.#values.delete(this.#values.keys().next().value!);
    return abortable(value, signal);
  }
}

function abortable<T>(value: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return value;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, {once: true});
    value.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
