// A text that grows, as Markdown blocks. A finished block is parsed once and stays the same object; only the last two
// are parsed anew with every piece, the very last as if it were complete. Knows no DOM.
import {isSpace, type Links, lex, type Token} from './tokens.ts';
import {complete} from './unfinished.ts';

export interface Block {
  /** Where it begins in the text: stays the same while the text grows. */
  readonly key: number;
  readonly token: Token;
  /** Still being written. */
  readonly open: boolean;
}

/** A later line may turn what looks like a block of its own into a part of the one before: a second list item, a title. */
const OPEN_BLOCKS = 2;

export class MarkdownStream {
  #text = '';
  #finished = false;
  #blocks: readonly Block[] = [];
  /** Blocks before this one never change. */
  #closed = 0;
  /** Definitions among the closed blocks. */
  #links: Links = {};

  /** The blocks of `text`, which usually begins with the text of the last call. */
  update(text: string, finished: boolean): readonly Block[] {
    const source = text.replace(/\r\n?/g, '\n');
    if (source === this.#text && finished === this.#finished) return this.#blocks;
    // A definition near the end may concern any block.
    const anew = !source.startsWith(this.#text) || (finished && this.#blocks.some(isDefinition));
    if (anew) this.#forget({});
    this.#text = source;
    this.#finished = finished;
    this.#parse();
    return this.#blocks;
  }

  #forget(links: Links): void {
    this.#blocks = [];
    this.#closed = 0;
    this.#links = links;
  }

  #parse(): void {
    const kept = this.#blocks.slice(0, this.#closed);
    const start = this.#closed === 0 ? 0 : (this.#blocks[this.#closed]?.key ?? this.#text.length);
    const tail = this.#text.slice(start);
    const {tokens} = lex(this.#finished ? tail : complete(tail), this.#links);
    const fresh: Block[] = [];
    let at = start;
    let known = true;
    let closed = this.#closed;
    for (const [i, token] of tokens.entries()) {
      if (!isSpace(token)) fresh.push({key: at, token, open: !this.#finished && i === tokens.length - 1});
      // Where a token is not what stands in the text, nothing after it has a place that is known.
      if (known) closed = Math.max(closed, kept.length + fresh.length - OPEN_BLOCKS);
      known &&= this.#text.startsWith(token.raw, at);
      at += token.raw.length;
    }
    const blocks = [...kept, ...this.#reuse(fresh)];
    const links = closedLinks(blocks.slice(this.#closed, closed), this.#links);
    this.#blocks = blocks;
    this.#closed = closed;
    if (links === this.#links) return;
    // What stands above may refer to it.
    this.#forget(links);
    this.#parse();
  }

  /** The old object for a block that is as it was, so that whoever shows it need not look at it again. */
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
  if (added.length === 0) return links;
  const entries = added.map(({token}) => [token.tag, {href: token.href, title: token.title}] as const);
  return {...Object.fromEntries(entries.reverse()), ...links};
}
