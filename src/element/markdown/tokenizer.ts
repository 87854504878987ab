// What Markdown means to us where it differs from GitHub's: raw HTML is text, one tilde strikes nothing out, addresses end
// at East Asian punctuation, footnotes are no links, and emphasis works beside East Asian text. Says too where a text has
// taken all the work that it may: the rest of it is text as it is written.
import {Tokenizer, type Tokens} from 'marked';
import cjkFriendly from 'marked-cjk-friendly';
import {nextBlockFormula} from './math-syntax.ts';
import type {Work} from './work.ts';

const {emStrong, del} = cjkFriendly().tokenizer!;
const ADDRESS = /^(?:https?:|ftp:|www\.)/i;
/** Punctuation and full-width forms of East Asian text, which no address contains as they are. */
const ADDRESS_END =
  /[\s<\u2018\u2019\u201c\u201d\u2026\u3000-\u3003\u3008-\u3011\u3014-\u301f\u30fb\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]/;
/** Larger tables stay text. A row may leave cells out, so a few bytes can claim a million of them. */
const MAX_CELLS = 5000;

/** A text that is not looked into. */
export const literal = (src: string): Tokens.Escape => ({type: 'escape', raw: src, text: src});

/** A block of the same. */
export const literalBlock = (src: string): Tokens.Paragraph => ({
  type: 'paragraph',
  raw: src,
  text: src,
  tokens: [literal(src)],
});

/** marked's tokenizer with our differences. */
export class ChatTokenizer extends Tokenizer {
  readonly #work: Work;
  /** Emphasis beside East Asian text follows rules of its own; no other text is read by them. */
  readonly #eastAsian: boolean;

  constructor(work: Work, eastAsian: boolean) {
    super();
    this.#work = work;
    this.#eastAsian = eastAsian;
  }

  override html(): undefined {}
  override tag(): undefined {}

  /** The first thing that is asked at the beginning of a block. */
  override space(src: string): Tokens.Space | undefined {
    return this.#work.beginBlock() ? super.space(src) : (literalBlock(src) as unknown as Tokens.Space);
  }

  /** The first thing that is asked at each place of a text. */
  override escape(src: string): Tokens.Escape | undefined {
    return this.#work.lookAt(src.length) ? super.escape(src) : literal(src);
  }

  override table(src: string): Tokens.Table | undefined {
    return claimedCells(src) > MAX_CELLS ? undefined : super.table(src);
  }

  /** No further than a formula: what it would have to look through again for each of them. */
  override lheading(src: string): Tokens.Heading | undefined {
    return super.lheading(src.slice(0, nextBlockFormula(src)));
  }

  override def(src: string): Tokens.Def | undefined {
    return src.trimStart().startsWith('[^') ? undefined : super.def(src);
  }

  override url(src: string): Tokens.Link | undefined {
    if (!ADDRESS.test(src)) return super.url(src);
    const end = src.search(ADDRESS_END);
    return super.url(end < 0 ? src : src.slice(0, end));
  }

  override emStrong(src: string, masked: string, before?: string): Tokens.Em | Tokens.Strong | undefined {
    if (!this.#eastAsian) return super.emStrong(src, masked, before);
    return emStrong!.call(this, src, masked, before) || undefined;
  }

  override del(src: string, masked: string, before?: string): Tokens.Del | undefined {
    if (!src.startsWith('~~')) return undefined;
    if (!this.#eastAsian) return super.del(src, masked, before);
    return del!.call(this, src, masked, before) || undefined;
  }
}

/** How many cells the table at the beginning of `src` would have; 0 where there is none. */
function claimedCells(src: string): number {
  const [header = '', delimiter = ''] = /^([^\n|]*\|[^\n]*)\n([ \t|:-]*\|[ \t|:-]*)(?=\n|$)/.exec(src)?.slice(1) ?? [];
  if (delimiter === '') return 0;
  const end = src.indexOf('\n\n');
  const rows = src.slice(0, end < 0 ? src.length : end).split('\n', MAX_CELLS).length;
  return header.split('|').length * rows;
}
