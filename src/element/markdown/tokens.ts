// Markdown to tokens: marked's lexer without raw HTML (which stays the text that it is), with mathematics and `<br>`.
// Knows no DOM.
import {Lexer, type MarkedOptions, Tokenizer, type TokenizerExtension, type Tokens} from 'marked';

export interface MathToken {
  type: 'math';
  raw: string;
  /** TeX. */
  text: string;
  display: boolean;
}
/** Definitions of reference links, by label. */
export type Links = Lexer['tokens']['links'];
/** Told apart by `type`; the rest is as marked's documentation has it for that type. */
export type Token = Tokens.Generic;

type Extension = Required<Pick<TokenizerExtension, 'start' | 'tokenizer'>>;

/** Longer mathematics stays text. */
const MAX_MATH = 4000;

const mathBlock: Extension = {
  start: (src) => src.match(/^ {0,3}(?:\$\$|\\\[)/m)?.index,
  tokenizer: (src) =>
    mathToken(/^ {0,3}\$\$((?:\\[\s\S]|[^$\\])+?)\$\$[ \t]*(?:\n|$)/.exec(src), true) ??
    mathToken(/^ {0,3}\\\[([\s\S]+?)\\\][ \t]*(?:\n|$)/.exec(src), true),
};

const mathInline: Extension = {
  start: (src) => src.match(/\$|\\[([]/)?.index,
  tokenizer: (src) =>
    mathToken(/^\$\$((?:\\[\s\S]|[^$\\])+?)\$\$/.exec(src), true) ??
    // As Pandoc tells formulas from prices: no space inside, no digit behind.
    mathToken(/^\$(?![\s$])((?:\\[^\n]|[^$\\\n])*?[^\s\\$])\$(?!\d)/.exec(src), false) ??
    mathToken(/^\\\(([^\n]+?)\\\)/.exec(src), false) ??
    mathToken(/^\\\[([\s\S]+?)\\\]/.exec(src), true),
};

function mathToken(found: RegExpExecArray | null, display: boolean): MathToken | undefined {
  if (!found || found[0].length > MAX_MATH) return undefined;
  return {type: 'math', raw: found[0], text: found[1].trim(), display};
}

/** The one tag that models write into table cells, where Markdown has no line break. */
const lineBreak: Extension = {
  start: (src) => src.match(/<br/i)?.index,
  tokenizer: (src) => {
    const found = /^<br\s*\/?>/i.exec(src);
    return found ? {type: 'br', raw: found[0]} : undefined;
  },
};

/** Raw HTML is none of its tokens, so it stays text. */
class TextTokenizer extends Tokenizer {
  override html(): undefined {}
  override tag(): undefined {}
}

/** As `Marked.use()` would put it together, without the renderers that come with it. */
const OPTIONS: MarkedOptions = {
  gfm: true,
  extensions: {
    inline: [mathInline.tokenizer, lineBreak.tokenizer],
    block: [mathBlock.tokenizer],
    startInline: [mathInline.start, lineBreak.start],
    startBlock: [mathBlock.start],
    childTokens: {},
    renderers: {},
  },
};

export interface Lexed {
  tokens: Token[];
  links: Links;
}

/** @param links definitions that stand before `text`; those in it are added in the result. */
export function lex(text: string, links: Links = {}): Lexed {
  const lexer = new Lexer({...OPTIONS, tokenizer: new TextTokenizer()});
  Object.assign(lexer.tokens.links, links);
  try {
    const tokens = lexer.lex(text);
    return {tokens: [...tokens], links: lexer.tokens.links};
  } catch {
    // Nested deeper than the stack: nothing that anybody wrote to be read.
    return {tokens: [{type: 'paragraph', raw: text, text, tokens: [{type: 'escape', raw: text, text}]}], links: {}};
  }
}

/** Whether a token is only the space between two blocks. */
export const isSpace = (token: Token): boolean => token.type === 'space';
