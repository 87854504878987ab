// The indexes that clients ask, each open once for all of them. Knows no ranking: what searches is fetched with the first
// question.
import {ours} from '../protocol/foreign-error.ts';
import type {FoundPassages, KnowledgeRef, Request} from '../protocol/messages.ts';

interface Search {
  search(
    question: string,
    options: {limit?: number; perPage?: number; language?: string; signal?: AbortSignal},
  ): Promise<FoundPassages>;
}
type Open = (url: string, integrity?: string) => Promise<Search>;

/** Indexes that stay open; a site has one, or one a language. */
const MOST_OPEN = 8;
/** How long an index is asked before its manifest is looked at again, in milliseconds. */
const FRESH = 10 * 60_000;

const openLazily: Open = async (url, integrity) => {
  const {openIndex} = await import('../knowledge/open.ts');
  return openIndex(url, integrity);
};

/** Every index that a client of this worker asks. */
export class KnowledgeHost {
  readonly #openIndex: Open;
  readonly #now: () => number;
  readonly #indexes = new Map<string, {search: Promise<Search>; opened: number}>();

  constructor(open: Open = openLazily, now: () => number = () => performance.now()) {
    this.#openIndex = open;
    this.#now = now;
  }

  /** @throws GemmaError `network`, `http-status`, `integrity-mismatch`, `knowledge-invalid`; AbortError */
  async find(request: Extract<Request, {type: 'find'}>, signal: AbortSignal): Promise<FoundPassages> {
    const {knowledge, question, limit, perPage, language} = request;
    try {
      const search = await this.#index(knowledge);
      signal.throwIfAborted();
      return await search.search(question, {
        limit: limit === undefined ? undefined : Math.min(limit, 50),
        perPage: perPage === undefined ? undefined : Math.max(1, perPage),
        language,
        signal,
      });
    } catch (error) {
      throw ours(error);
    }
  }

  #index({url, integrity}: KnowledgeRef): Promise<Search> {
    const key = `${integrity ?? ''} ${url}`;
    const known = this.#indexes.get(key);
    if (known && this.#now() - known.opened < FRESH) return known.search;
    const search = this.#openIndex(url, integrity);
    this.#indexes.delete(key);
    this.#indexes.set(key, {search, opened: this.#now()});
    search.catch(() => {
      if (this.#indexes.get(key)?.search === search) this.#indexes.delete(key);
    });
    if (this.#indexes.size > MOST_OPEN) this.#indexes.delete(this.#indexes.keys().next().value!);
    return search;
  }
}
