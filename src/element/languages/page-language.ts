// Which language a chat speaks: that of the nearest `lang` attribute, watched; English until its module is there, and
// where there is none. Knows the document; owns no text.
import {en, type Strings} from './en.ts';
import {ENGLISH, Language, loadStrings, matchLanguage} from './index.ts';

/** The language at one element, as long as it is watched. */
export class PageLanguage {
  readonly #host: Element;
  readonly #changed: () => void;
  #language = ENGLISH;
  /** The page's tag as it was last read; null where it names none, undefined before the first look. */
  #lang: string | null | undefined;
  #overrides: Partial<Strings> | null = null;
  #observer: MutationObserver | null = null;
  #settled = false;
  /** Resolves once the texts are those of the page's language, or will stay English. */
  ready: Promise<void> = Promise.resolve();

  constructor(host: Element, changed: () => void) {
    this.#host = host;
    this.#changed = changed;
  }

  get language(): Language {
    return this.#language;
  }

  /** The page's language is on its way, and nothing has been said in any other yet. */
  get pending(): boolean {
    return !this.#settled;
  }

  /** The texts' direction; null where the page's stands, since it has set one or we do not speak its language. */
  get dir(): 'ltr' | 'rtl' | null {
    if (this.#host.hasAttribute('dir') || !this.#lang || matchLanguage(this.#lang) === null) return null;
    return this.#language.dir;
  }

  /** We do not speak the page's language: our texts stand in a layout of another direction, perhaps. */
  get foreign(): boolean {
    return Boolean(this.#lang) && matchLanguage(this.#lang ?? '') === null;
  }

  /** The page's texts in the place of ours. */
  override(overrides: Partial<Strings> | null): void {
    this.#overrides = overrides;
    this.#update();
  }

  /** The element is in a document: from here on its language is watched. */
  connect(): void {
    this.#observer = new MutationObserver(() => this.#read());
    for (const root of roots(this.#host)) {
      this.#observer.observe(root, {attributes: true, attributeFilter: ['lang', 'dir'], subtree: true});
    }
    this.#read();
  }

  disconnect(): void {
    this.#observer?.disconnect();
    this.#observer = null;
  }

  #read(): void {
    const lang = nearestLang(this.#host);
    this.#changed();
    if (lang === this.#lang) return;
    this.#lang = lang;
    this.#update();
  }

  #update(): void {
    this.ready = this.#load(this.#lang);
  }

  async #load(lang: string | null | undefined): Promise<void> {
    const tag = matchLanguage(lang ?? 'en') ?? 'en';
    const locale = lang && matchLanguage(lang) ? lang : undefined;
    const overrides = this.#overrides;
    const use = (strings: Strings, spoken: string) => {
      this.#settled = true;
      this.#language = new Language({tag: spoken, locale: spoken === tag ? locale : undefined, strings, overrides});
      this.#changed();
    };
    if (tag === 'en') return use(en, 'en');
    // An unreachable module is no reason to be without a chat.
    const strings = await loadStrings(tag).catch(() => null);
    if (lang !== this.#lang || overrides !== this.#overrides) return;
    use(strings ?? en, strings ? tag : 'en');
  }
}

/** The value of the nearest `lang` attribute; null where there is none or it is empty. */
function nearestLang(from: Element): string | null {
  for (let node: Node | null = from; node; node = above(node)) {
    if (node instanceof Element && node.hasAttribute('lang')) return node.getAttribute('lang') || null;
  }
  return null;
}

function above(node: Node): Node | null {
  return node.parentNode ?? (node instanceof ShadowRoot ? node.host : null);
}

/** The document and every shadow root around `element`. */
function roots(element: Element): Node[] {
  const found: Node[] = [];
  for (let node: Node | null = element; node; ) {
    const root: Node = node.getRootNode();
    found.push(root);
    node = root instanceof ShadowRoot ? root.host : null;
  }
  return found;
}
