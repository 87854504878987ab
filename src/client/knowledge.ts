// `gemma-chat/knowledge`: passages of a site's pages, found in the site's index, without a model and without a GPU. Owns
// the connection for it; what searches is the worker's, one for all tabs.
import {hasCode} from '../errors.ts';
import type {Caller} from '../protocol/caller.ts';
import {isCount, isString} from '../protocol/check.ts';
import type {FoundPassages, KnowledgeRef} from '../protocol/messages.ts';
import {checkOptions, found, unexpected} from '../protocol/options.ts';
import {type Connection, connect, type Platform} from './connect.ts';
import {integrityOption, url} from './models.ts';
import {type Specs, signalOption} from './option-specs.ts';
import {pagePlatform} from './platform.ts';
import {workerUrl} from './worker-url.ts';

export {type CitedText, citationFormat, citedText} from '../knowledge/citations.ts';
export {type Grounded, type GroundOptions, groundedMessages, searchText} from '../knowledge/prompt.ts';
export type {FoundPassage, FoundPassages} from '../protocol/messages.ts';

export interface KnowledgeOptions {
  /** Folder of the index that `npx gemma-chat index` made, relative to the page. */
  knowledgeSrc: string | URL;
  /** SHA-256 of its manifest, `sha256-…` in base64, as the command prints it: nothing else is then believed. */
  integrity?: string;
  /** As in `GemmaClient.load`. */
  workerSrc?: string | URL;
}

export interface FindOptions {
  /** Most passages, 1 to 50. Default 5. */
  limit?: number;
  /** Most passages of one page. Default 3. */
  perPage?: number;
  /** Language of the question (BCP 47). Default: the index's first. */
  language?: string;
  signal?: AbortSignal;
}

const openSpecs: Specs = {knowledgeSrc: url, integrity: integrityOption, workerSrc: url};
const count = {check: (value: unknown) => isCount(value) && (value as number) >= 1, expected: 'an integer, 1 or more'};
const findSpecs: Specs = {
  limit: {check: (value) => count.check(value) && (value as number) <= 50, expected: 'an integer from 1 to 50'},
  perPage: count,
  language: {check: isString, expected: 'a language tag, as en or pt-BR'},
  signal: signalOption,
};

/** A site's index. Made by `SiteKnowledge.open`; every method may throw GemmaError. */
export class SiteKnowledge {
  readonly #knowledge: KnowledgeRef;
  readonly #script: URL;
  readonly #platform: Platform;
  #connection: Promise<Connection> | null = null;

  /** Fetches nothing: the worker starts with the first question. @throws GemmaError `option-invalid`, `option-unknown` */
  constructor(options: KnowledgeOptions, platform: Platform = pagePlatform()) {
    checkOptions('SiteKnowledge', options, openSpecs);
    const {knowledgeSrc, integrity, workerSrc} = options;
    if (knowledgeSrc === undefined) throw unexpected('knowledgeSrc', 'missing', openSpecs.knowledgeSrc.expected);
    this.#knowledge = {url: folderUrl(knowledgeSrc, platform.baseUrl), ...(integrity === undefined ? {} : {integrity})};
    this.#script = workerUrl(workerSrc, platform.baseUrl);
    this.#platform = platform;
  }

  /**
   * The passages that answer `question` best, best first.
   * @throws GemmaError `network`, `http-status`, `integrity-mismatch`, `knowledge-invalid`, `worker-failed`; AbortError
   */
  async find(question: string, options: FindOptions = {}): Promise<FoundPassages> {
    if (typeof question !== 'string') throw unexpected('question', found(question), 'a string');
    checkOptions('SiteKnowledge.find', options, findSpecs);
    const {signal, ...rest} = options;
    const ask = async () =>
      (await this.#caller()).call({type: 'find', knowledge: this.#knowledge, question, ...rest}, {signal});
    // A worker may have ended without a word: the question is asked once more, in the next one.
    return ask().catch((error) => {
      if (hasCode(error, 'worker-failed')) return ask();
      throw error;
    });
  }

  /** Lets go of the worker; a later question starts it again. Idempotent. */
  close(): void {
    this.#connection?.then(({close}) => close()).catch(() => undefined);
    this.#connection = null;
  }

  /** A worker that has ended is replaced with the next question. */
  async #caller(): Promise<Caller> {
    const known = await this.#connection?.catch(() => null);
    if (known && !known.caller.ended) return known.caller;
    this.#connection = connect(this.#script, this.#platform, {withoutGpu: true});
    return (await this.#connection).caller;
  }
}

function folderUrl(src: string | URL, base: string): string {
  try {
    const address = new URL(src, base);
    address.hash = '';
    address.search = '';
    if (!address.pathname.endsWith('/')) address.pathname += '/';
    return address.href;
  } catch {
    throw unexpected('knowledgeSrc', found(src), 'the URL of a folder');
  }
}
