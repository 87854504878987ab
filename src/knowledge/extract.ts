// What a reader reads on a page, as blocks of text under headings, from the events of any parser of HTML or walk over a
// document. Owns what counts as content; knows no files, no DOM, no passages.

/** One piece of text: a paragraph, a list item, a row of a table, a heading. */
export interface Block {
  text: string;
  /** 1 to 6 for a heading, 7 for a term that is defined, 0 for all other text. */
  level: number;
  /** Id that a link can name, on the block or just before it; '' where there is none. */
  anchor: string;
}

export interface PageContent {
  title: string;
  /** `lang` of the document, or ''. */
  language: string;
  /** `rel=canonical`, or ''. */
  canonical: string;
  blocks: Block[];
  /** Why the page does not want to be found or has nothing to find, or null. */
  skip: SkipReason | null;
}

export type SkipReason =
  | 'noindex'
  | 'redirect'
  | 'empty'
  | 'links'
  | 'too-deep'
  | 'too-large'
  | 'duplicate'
  | 'source'
  | 'unreadable';

/** A page that is left out, and why. No fault. */
export class PageSkipped extends Error {
  readonly reason: SkipReason;
  constructor(reason: SkipReason) {
    super(reason);
    this.reason = reason;
  }
}

/** What a parser tells, in the page's order. Names and attribute names in small letters. */
export interface MarkupEvents {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  text(data: string): void;
  close(name: string): void;
}

/** Elements within each other; a page of people is far below. */
export const MAX_DEPTH = 512;
/** Text of one page, in UTF-16 units. */
export const MAX_TEXT = 8 * 2 ** 20;
const MAX_BLOCKS = 200_000;

const set = (names: string): ReadonlySet<string> => new Set(names.split(' '));
const VOID = set('area base br col embed hr img input link meta param source track wbr');
const NEVER = set(
  'script style template noscript svg math iframe object canvas audio video map select textarea button datalist dialog nav gemma-chat gemma-chat-model',
);
/** Outside of the main content only. */
const AROUND = set('header footer aside');
const BREAKS = set(
  'address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup hr li main ol p pre section summary table tbody tfoot thead tr ul',
);
const CELLS = set('td th');
const HEADING = /^h[1-6]$/;
const ROLES = set(
  'navigation search banner contentinfo complementary menu menubar toolbar dialog alertdialog tablist doc-toc',
);
/** Class names that generators give to what is around the content, and to the sign that links to a heading. */
const CLASSES = set(
  'headerlink header-anchor hash-link anchor-link anchorjs-link heading-anchor toc table-of-contents theme-doc-toc-mobile theme-doc-breadcrumbs breadcrumb breadcrumbs pagination pagination-nav sidebar skip-link skip-to-content nosearch visually-hidden sr-only screen-reader-text cookie-banner comments edit-this-page theme-edit-this-page printonly',
);
const IGNORE = ['data-gemma-ignore', 'data-pagefind-ignore', 'data-nosnippet'];

interface Open {
  name: string;
  /** Set where this element hides all within it. */
  hidden: boolean;
  link: 'no' | 'here' | 'away';
  /** How much the region that this element opens is wanted; 0: none. */
  region: number;
  pre: boolean;
  /** Index in `#regions` outside of the element. */
  outer: number;
}

interface Region {
  rank: number;
  blocks: Block[];
  letters: number;
  linked: number;
}

/** Collects one page. Feed it, then take `content()`. @throws PageSkipped */
export class Extractor implements MarkupEvents {
  readonly #stack: Open[] = [];
  readonly #regions: Region[] = [{rank: 0, blocks: [], letters: 0, linked: 0}];
  #region = 0;
  #hidden = 0;
  #links = 0;
  #linksHere = 0;
  #pre = 0;
  #main = 0;
  #inTitle = false;
  #title = '';
  #language = '';
  #canonical = '';
  #skip: SkipReason | null = null;
  #text = '';
  #linked = 0;
  /** Of the linked letters, those whose link stays on the page. */
  #linkedHere = 0;
  #level = 0;
  #anchor = '';
  #letters = 0;
  #blocks = 0;

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    if (name === 'html') this.#language = attributes.lang ?? attributes['xml:lang'] ?? '';
    if (name === 'title' && this.#title === '' && this.#hidden === 0) this.#inTitle = true;
    if (name === 'meta') this.#meta(attributes);
    if (name === 'link' && /(?:^|\s)canonical(?:\s|$)/i.test(attributes.rel ?? ''))
      this.#canonical = attributes.href ?? '';
    if (name === 'br') this.text('\n');
    if (CELLS.has(name)) this.text(' ');
    if (VOID.has(name)) return;
    if (this.#stack.length >= MAX_DEPTH) throw new PageSkipped('too-deep');
    const hidden = this.#hides(name, attributes);
    const heading = HEADING.test(name);
    if (BREAKS.has(name)) this.#flush();
    const rank = regionRank(name, attributes);
    const outer = this.#region;
    if (rank > 0 && this.#hidden === 0 && !hidden) {
      this.#flush();
      // One within another is part of it, unless it is wanted more.
      if (rank > this.#regions[outer].rank) {
        this.#region = this.#regions.length;
        this.#regions.push({rank, blocks: [], letters: 0, linked: 0});
      }
      this.#main += 1;
    }
    const {href} = attributes;
    const link = name !== 'a' || href === undefined ? 'no' : href.startsWith('#') ? 'here' : 'away';
    const pre = name === 'pre';
    this.#stack.push({name, hidden, link, region: rank > 0 && this.#hidden === 0 && !hidden ? rank : 0, pre, outer});
    if (hidden) this.#hidden += 1;
    if (link !== 'no') this.#links += 1;
    if (link === 'here') this.#linksHere += 1;
    if (pre) this.#pre += 1;
    if (this.#hidden > 0) return;
    const id = attributes.id || (name === 'a' ? attributes.name : '') || '';
    if (id !== '' && id.length <= 200 && (this.#text.trim() === '' || heading || this.#level > 0)) {
      // A heading's own id beats those before it; one within a heading serves where it has none.
      if (heading || this.#level === 0 || this.#anchor === '') this.#anchor = id;
    }
    if (heading) this.#level = Number(name[1]);
    else if (name === 'dt') this.#level = 7;
  }

  text(data: string): void {
    if (this.#inTitle) {
      if (this.#title.length < 1000) this.#title += data;
      return;
    }
    if (this.#hidden > 0) return;
    this.#letters += data.length;
    if (this.#letters > MAX_TEXT) throw new PageSkipped('too-large');
    const text = this.#pre > 0 ? data : data.replace(/[\s\u00a0]+/g, ' ');
    if (this.#links > 0) this.#linked += text.trim().length;
    if (this.#linksHere > 0) this.#linkedHere += text.trim().length;
    this.#text += text;
  }

  close(name: string): void {
    if (name === 'title') this.#inTitle = false;
    if (VOID.has(name)) return;
    const at = this.#stack.findLastIndex((open) => open.name === name);
    // What closes nothing is ignored; what was left open within closes with it.
    if (at < 0) return;
    while (this.#stack.length > at) this.#leave(this.#stack.pop()!);
  }

  content(): PageContent {
    while (this.#stack.length > 0) this.#leave(this.#stack.pop()!);
    this.#flush();
    const title = this.#title.replace(/\s+/g, ' ').trim().slice(0, 300);
    const region = this.#best();
    const skip = this.#skip ?? (region.letters === 0 ? 'empty' : mostlyLinks(region) ? 'links' : null);
    return {title, language: this.#language, canonical: this.#canonical, blocks: region.blocks, skip};
  }

  #leave(open: Open): void {
    if (BREAKS.has(open.name) || open.region > 0) this.#flush();
    if (open.hidden) this.#hidden -= 1;
    if (open.link !== 'no') this.#links -= 1;
    if (open.link === 'here') this.#linksHere -= 1;
    if (open.pre) this.#pre -= 1;
    if (open.region > 0) this.#main -= 1;
    this.#region = open.outer;
    if (HEADING.test(open.name) || open.name === 'dt') this.#level = 0;
  }

  #flush(): void {
    const text = this.#tidy();
    const {length} = text;
    // An entry of the page's own table of contents says what its heading says again.
    const entry = this.#level === 0 && this.#linkedHere > 0.8 * length;
    if (length > 0 && !entry) {
      const region = this.#regions[this.#region];
      if (++this.#blocks > MAX_BLOCKS) throw new PageSkipped('too-large');
      region.blocks.push({text, level: this.#level, anchor: this.#anchor});
      region.letters += length;
      region.linked += Math.min(this.#linked, length);
      this.#anchor = '';
    }
    this.#text = '';
    this.#linked = 0;
    this.#linkedHere = 0;
  }

  #tidy(): string {
    const lines = this.#text
      .split('\n')
      .map((line) => (this.#pre > 0 ? line.trimEnd() : line.replace(/ +/g, ' ').trim()));
    const text = lines.join('\n').replace(/\n{3,}/g, '\n\n');
    return this.#pre > 0 ? text.replace(/^\n+|\s+$/g, '') : text.trim();
  }

  #meta(attributes: Readonly<Record<string, string>>): void {
    const name = (attributes.name ?? '').toLowerCase();
    const content = attributes.content ?? '';
    if ((name === 'robots' || name === 'gemma-chat') && /\b(?:noindex|none)\b/i.test(content)) this.#skip = 'noindex';
    if ((attributes['http-equiv'] ?? '').toLowerCase() === 'refresh' && /^\s*[0-5]\s*[;,]/.test(content))
      this.#skip ??= 'redirect';
  }

  #hides(name: string, attributes: Readonly<Record<string, string>>): boolean {
    if (NEVER.has(name)) return true;
    if (AROUND.has(name) && this.#main === 0) return name !== 'header';
    for (const each of IGNORE) if (attributes[each] !== undefined && attributes[each] !== 'false') return true;
    if (attributes.hidden !== undefined && attributes.hidden !== 'until-found') return true;
    if (attributes['aria-hidden'] === 'true') return true;
    if (attributes.role !== undefined && ROLES.has(attributes.role)) return true;
    const {class: classes} = attributes;
    return classes?.split(/\s+/, 50).some((each) => CLASSES.has(each)) ?? false;
  }

  /** The most wanted kind of region that has text, and all of its kind. */
  #best(): Region {
    const ranks = [...new Set(this.#regions.map(({rank}) => rank))].sort((a, b) => b - a);
    const all = this.#regions.reduce((sum, {letters}) => sum + letters, 0);
    for (const rank of ranks) {
      const regions = this.#regions.filter((each) => each.rank === rank);
      const letters = regions.reduce((sum, each) => sum + each.letters, 0);
      // An empty shell, or a card of many, is not the page.
      if (letters === 0 || (rank < 3 && letters < all / 3)) continue;
      if (rank === 0 && regions.length === 1 && all > letters) break;
      const linked = regions.reduce((sum, each) => sum + each.linked, 0);
      return {rank, blocks: regions.flatMap((each) => each.blocks), letters, linked};
    }
    return {
      rank: 0,
      blocks: this.#regions.flatMap((each) => each.blocks),
      letters: all,
      linked: this.#regions.reduce((sum, each) => sum + each.linked, 0),
    };
  }
}

function regionRank(name: string, attributes: Readonly<Record<string, string>>): number {
  if (attributes['data-gemma-body'] !== undefined || attributes['data-pagefind-body'] !== undefined) return 4;
  if (name === 'main' || attributes.role === 'main') return 3;
  if (name === 'article' || attributes.role === 'article') return 2;
  return 0;
}

/** Registers and tables of contents: they hold a word of everything and answer nothing. */
function mostlyLinks({letters, linked, blocks}: Region): boolean {
  return blocks.length >= 20 && linked > 0.75 * letters;
}
