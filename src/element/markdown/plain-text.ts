// Markdown as a voice reads it, or as a line of text: without its marks. Pure.
import {decodeEntities} from './entities.ts';
import {type Links, lex, type Token} from './tokens.ts';

/** The text without its marks. `links`: which addresses may be links. */
export function plainText(markdown: string, links?: Links): string {
  return join(lex(markdown, links).tokens).trim();
}

function join(tokens: readonly Token[]): string {
  return tokens.map(textOf).join('');
}

const BLOCKS = new Set(['paragraph', 'heading', 'blockquote', 'code', 'list_item', 'text']);

function textOf(token: Token): string {
  const line = BLOCKS.has(token.type) && token.tokens ? '\n' : '';
  switch (token.type) {
    case 'space':
    case 'hr':
    case 'def':
    case 'checkbox':
      return '';
    case 'br':
      return '\n';
    case 'list':
      return join(token.items);
    case 'table':
      return [token.header, ...token.rows]
        .map((row: {tokens: Token[]}[]) => `${row.map((cell) => join(cell.tokens)).join(', ')}\n`)
        .join('');
    case 'code':
      return `${token.text}\n`;
    case 'escape':
    case 'codespan':
    case 'math':
      return token.text;
    default:
      return token.tokens ? join(token.tokens) + line : decodeEntities(token.text ?? token.raw);
  }
}
