// Markdown to tokens: marked's lexer, with mathematics and `<br>`, in time that is linear in the text's length.
// Knows no DOM.
import {Lexer, type MarkedOptions, type TokenizerExtension, type Tokens} from 'marked';
import {blockFormula, type Formula, inlineFormula, nextBlockFormula} from './math-syntax.ts';
import {ChatTokenizer, literal, literalBlock} from './tokenizer.ts';
import {Work} from './work.ts';

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

/** A longer run of inline text is read line by line; a longer line is text as it is written. */
const MAX_RUN = 8000;
/** Deeper is nothing that was written to be read. */
const MAX_DEPTH = 32;
/** Scripts that write without spaces between words, their punctuation included. */
const EAST_ASIAN = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff00-\uffef]/u;

const mathBlock: Extension = {
  start: nextBlockFormula,
  tokenizer: (src) => mathToken(src, blockFormula(src)),
};

const mathInline: Extension['tokenizer'] = (src, tokens) =>
  /^(?:\$|\\[([])/.test(src) ? mathToken(src, inlineFormula(src, tokens.at(-1)?.raw.at(-1) ?? '')) : undefined;

function mathToken(src: string, formula: Formula | undefined): MathToken | undefined {
  return formula && {type: 'math', raw: src.slice(0, formula.length), text: formula.text, display: formula.display};
}

/** The one tag that models write into table cells, where Markdown has no line break. */
const lineBreak: Extension['tokenizer'] = (src) => {
  const found = /^<br\s{0,9}\/?>/i.exec(src);
  return found ? {type: 'br', raw: found[0]} : undefined;
};

/** As `Marked.use()` would put it together, without the renderers that come with it. */
const OPTIONS: MarkedOptions = {
  gfm: true,
  extensions: {
    inline: [mathInline, lineBreak],
    block: [mathBlock.tokenizer],
    startInline: [(src: string) => src.search(/\$|\\[([]|<br/i)],
    startBlock: [mathBlock.start],
    childTokens: {},
    renderers: {},
  },
};

/** The whole text, bounded: too long, too deep, or too much work becomes text as it is written. */
class BoundedLexer extends Lexer {
  readonly #work: Work;
  #blockDepth = 0;
  #inlineDepth = 0;

  constructor(text: string) {
    const work = new Work(text.length);
    super({...OPTIONS, tokenizer: new ChatTokenizer(work, EAST_ASIAN.test(text))});
    this.#work = work;
  }

  // biome-ignore lint/suspicious/noExplicitAny: marked has two signatures for a list of tokens and the list of all.
  override blockTokens(src: string, tokens: any = [], lastParagraphClipped = false): any {
    if (this.#blockDepth > MAX_DEPTH) {
      tokens.push(literalBlock(src));
      return tokens;
    }
    this.#blockDepth += 1;
    try {
      return super.blockTokens(src, tokens, lastParagraphClipped);
    } finally {
      this.#blockDepth -= 1;
    }
  }

  override inlineTokens(src: string, tokens: Tokens.Generic[] = []): ReturnType<Lexer['inlineTokens']> {
    if (src.length > MAX_RUN) {
      for (const line of src.split(/(?<=\n)/)) {
        if (line.length > MAX_RUN) tokens.push(literal(line));
        else this.inlineTokens(line, tokens);
      }
    } else if (this.#inlineDepth > MAX_DEPTH || !this.#work.lookAt(src.length)) tokens.push(literal(src));
    else {
      this.#inlineDepth += 1;
      try {
        this.#work.inRun(() => super.inlineTokens(src, tokens as Parameters<Lexer['inlineTokens']>[1]));
      } finally {
        this.#inlineDepth -= 1;
      }
    }
    return tokens as ReturnType<Lexer['inlineTokens']>;
  }
}

export interface Lexed {
  tokens: Token[];
  links: Links;
}

/** @param links definitions that stand before `text`; those in it are added in the result. */
export function lex(text: string, links: Links = {}): Lexed {
  const lexer = new BoundedLexer(text);
  Object.assign(lexer.tokens.links, links);
  try {
    const tokens = lexer.lex(text);
    return {tokens: [...tokens], links: lexer.tokens.links};
  } catch {
    return {tokens: [literalBlock(text)], links: {}};
  }
}

/** Whether a token is only the space between two blocks. */
export const isSpace = (token: Token): boolean => token.type === 'space';
