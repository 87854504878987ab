// A text that grows, as Markdown blocks. A finished block is parsed once and stays the same object; only the last two
// are parsed anew with every piece, the very last as if it were complete. What is parsed anew is never long: a block that
// grows beyond that is cut in two. Knows no DOM.
import {isSpace, type Links, lex, type Token} from './tokens.ts';
import {complete, openFence} from './unfinished.ts';

export interface Block {
  /** Where it begins in the text: stays the same while the text grows. */
  readonly key: number;
  readonly token: Token;
  /** Still being written. */
  readonly open: boolean;
}

/** A later line may turn what looks like a block of its own into a part of the one before: a second list item, a title. */
const OPEN_BLOCKS = 2;
/** Characters that may be parsed anew with every piece; of code, which is quick to parse, more. */
const MAX_OPEN = 16_000;
const MAX_OPEN_CODE = 64_000;
/** A definition of a reference link concerns the whole text, which is parsed anew for it. A longer one is not. */
const MAX_LINKED = 32_000;
const MAX_DEFINITIONS = 200;

/** The blocks of one growing text. */
export class MarkdownStream {
  #text = '';
  #finished = false;
  #blocks: readonly Block[] = [];
  /** Blocks before this one never change. */
  #closed = 0;
  /** Where what may still change begins, and the line that begins the code there, where code was cut in two. */
  #from = 0;
  #fence = '';
  /** Definitions among the closed blocks. */
  #links: Links = {};

  /** The blocks of `text`, which usually begins with the text of the last call. */
  update(text: string, finished: boolean): readonly Block[] {
    const source = text.replace(/\r\n?/g, '\n');
    if (source === this.#text && finished === this.#finished) return this.#blocks;
    // A definition near the end may concern any block.
    const linked = finished && source.length <= MAX_LINKED && this.#blocks.some(isDefinition);
    if (linked || !source.startsWith(this.#text)) this.#forget({});
    this.#text = source;
    this.#finished = finished;
    this.#parse();
    return this.#blocks;
  }

  #forget(links: Links): void {
    this.#blocks = [];
    this.#closed = 0;
    this.#from = 0;
    this.#fence = '';
    this.#links = links;
  }

  #parse(): void {
    const shut: Block[] = [];
    for (let cut = this.#nextCut(); cut > this.#from; cut = this.#nextCut()) {
      const piece = this.#fence + this.#text.slice(this.#from, cut);
      shut.push(...this.#read(piece, false).blocks);
      const fence = openFence(piece);
      this.#fence = fence ? piece.slice(fence.at, piece.indexOf('\n', fence.at) + 1) : '';
      this.#from = cut;
    }
    const tail = this.#fence + this.#text.slice(this.#from);
    const {blocks: open, known} = this.#read(this.#finished ? tail : complete(tail), !this.#finished);
    const kept = this.#blocks.slice(0, this.#closed);
    const closing = Math.max(0, known - OPEN_BLOCKS);
    const blocks = [...kept, ...this.#reuse([...shut, ...open])];
    const closed = kept.length + shut.length + closing;
    const links = closedLinks(blocks.slice(this.#closed, closed), this.#links);
    this.#blocks = blocks;
    this.#closed = closed;
    if (closing > 0) {
      this.#from = blocks[closed].key;
      this.#fence = '';
    }
    if (links === this.#links) return;
    // What stands above may refer to it.
    if (this.#text.length > MAX_LINKED) this.#links = links;
    else {
      this.#forget(links);
      this.#parse();
    }
  }

  /** Where the text has to be cut so that what may change is short enough; the beginning where it is. */
  #nextCut(): number {
    const from = this.#from;
    if (this.#text.length - from <= MAX_OPEN) return from;
    const near = this.#fence + this.#text.slice(from, from + MAX_OPEN);
    const fence = openFence(near);
    if (fence && fence.at > 0) return from + fence.at - this.#fence.length;
    const limit = fence ? MAX_OPEN_CODE : MAX_OPEN;
    if (this.#text.length - from <= limit) return from;
    const within = this.#text.slice(from, from + limit);
    const blank = fence ? -1 : within.lastIndexOf('\n\n');
    const line = within.lastIndexOf('\n');
    return from + (blank > 0 ? blank + 2 : line > 0 ? line + 1 : limit);
  }

  /**
   * Blocks of `source`, which begins where the open part begins. `known`: how many of them stand in the text as they were
   * read; where one does not, nothing after it has a place that is known.
   */
  #read(source: string, open: boolean): {blocks: Block[]; known: number} {
    const {tokens} = lex(source, this.#links);
    const blocks: Block[] = [];
    let at = this.#from - this.#fence.length;
    let known: number | null = null;
    for (const [i, token] of tokens.entries()) {
      if (!isSpace(token)) blocks.push({key: Math.max(at, this.#from), token, open: open && i === tokens.length - 1});
      const stands = at < this.#from || this.#text.startsWith(token.raw, at);
      if (!stands) known ??= blocks.length;
      at += token.raw.length;
    }
    return {blocks, known: known ?? blocks.length};
  }

  /** The old object for a block that is as it was, so that the view need not render it again. */
  #reuse(fresh: Block[]): Block[] {
    if (fresh.some(isDefinition)) return fresh;
    const old = new Map(this.#blocks.map((block) => [block.key, block]));
    return fresh.map((block) => {
      const before = old.get(block.key);
      return before?.token.raw === block.token.raw && before.open === block.open ? before : block;
    });
  }
}

function isDefinition({token}: Block): boolean {
  return token.type === 'def';
}

/** `links` itself where the blocks add none; the first definition of a label counts. */
function closedLinks(blocks: readonly Block[], links: Links): Links {
  const added = blocks.filter(isDefinition).filter(({token}) => !Object.hasOwn(links, token.tag));
  if (added.length === 0 || Object.keys(links).length > MAX_DEFINITIONS) return links;
  const entries = added.map(({token}) => [token.tag, {href: token.href, title: token.title}] as const);
  return {...Object.fromEntries(entries.reverse()), ...links};
}
