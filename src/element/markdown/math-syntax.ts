// Where a formula stands in a text, and where a dollar is a price, a shell's variable or the end of a pattern.
// Pure; knows no tokens.

/** Longer mathematics stays text. */
export const MAX_MATH = 4000;

/** A formula that interrupts a longer paragraph does so as a formula in its text. */
const MAX_PARAGRAPH = 2000;

export interface Formula {
  /** Characters, its marks included. */
  readonly length: number;
  /** TeX. */
  readonly text: string;
  readonly display: boolean;
}

/** What follows a dollar that ends a variable or a pattern, and no formula: `$a$b`, `$(a)$(b)`, `${a}/${b}`. */
const CLOSED_BY = /[\w({]/;
/** Two words of a language side by side, or one after a number: "5 per month, or 10". No command of TeX. */
const PROSE =
  /(?:^|[\s(])\p{L}{2,}[,.;:]?\s+\p{L}{2,}(?=$|[\s,.;:)])|^\d[\d.,]*(?:\s+\S+)*?\s+\p{L}{2,}(?=$|[\s,.;:)])/u;

/** A formula in lines of its own at the beginning of `src`. */
export function blockFormula(src: string): Formula | undefined {
  const begin = /^ {0,3}(\$\$|\\\[)/.exec(src);
  if (!begin) return undefined;
  const from = begin[0].length;
  const close = begin[1] === '$$' ? '$$' : '\\]';
  const end = closing(src, from, close);
  if (end < 0) return undefined;
  const rest = /^[ \t]*(?:\n|$)/.exec(src.slice(end + 2, end + 2 + MAX_MATH));
  return rest ? formula(src, from, end, 2 + rest[0].length, true) : undefined;
}

/** Where a formula may interrupt the paragraph at the beginning of `src`, which ends at a blank line at the latest. */
export function nextBlockFormula(src: string): number | undefined {
  const near = src.slice(0, MAX_PARAGRAPH);
  if (!near.includes('$$') && !near.includes('\\[')) return undefined;
  const found = /\n[ \t]*\n|\n {0,3}(?:\$\$|\\\[)/.exec(near);
  return found && !found[0].endsWith('\n') ? found.index + 1 : undefined;
}

/** A formula in a line of text at the beginning of `src`; `before` is the character that stands before it. */
export function inlineFormula(src: string, before: string): Formula | undefined {
  if (src.startsWith('\\(')) return delimited(src, '\\)', false);
  if (src.startsWith('\\[')) return delimited(src, '\\]', true);
  if (src.startsWith('$$')) return delimited(src, '$$', true);
  if (!mayOpen(src, before)) return undefined;
  const end = closing(src, 1, '$');
  if (end < 0) return undefined;
  const inside = src.slice(1, end);
  const none = /\s$/.test(inside) || inside.includes('\n') || PROSE.test(inside) || CLOSED_BY.test(src[end + 1] ?? '');
  return none ? undefined : formula(src, 1, end, 1, false);
}

/** Whether `rest`, which has no end yet, may still become a formula when more is written. */
export function mayBecomeFormula(rest: string, before: string): boolean {
  if (rest.length >= MAX_MATH) return false;
  const display = rest.startsWith('$$') || rest.startsWith('\\[');
  const inside = rest.slice(rest.startsWith('$') && !display ? 1 : 2);
  if (inside.includes('`')) return false;
  // Closed already, and no formula: all but the first half of the end.
  if (rest[0] === '$' && /(?:^|[^\\])\$(?!$)/.test(inside)) return false;
  if (display) return true;
  if (rest[0] === '$' && inside.endsWith('$')) return false;
  if (inside.length > 120 || inside.includes('\n')) return false;
  return rest.startsWith('\\(') || ((rest.length === 1 || mayOpen(rest, before)) && !PROSE.test(inside));
}

/** As Pandoc tells formulas from prices: no space after the dollar; and it stands at the beginning of a word. */
function mayOpen(src: string, before: string): boolean {
  return /^\$[^\s$]/.test(src) && !/[\w$]/.test(before);
}

function delimited(src: string, close: string, display: boolean): Formula | undefined {
  const end = closing(src, 2, close);
  if (end <= 2) return undefined;
  const inside = src.slice(2, end);
  return !display && inside.includes('\n') ? undefined : formula(src, 2, end, 2, display);
}

/** Where `close` stands first; -1 where it is too far away, or a span of code begins before it, which goes first. */
function closing(src: string, from: number, close: string): number {
  const marks = close[0] === '$' ? /[`$]|\\[\s\S]/g : /`|\\[\s\S]/g;
  marks.lastIndex = from;
  if (!src.slice(0, MAX_MATH).includes(close, from)) return -1;
  for (let mark = marks.exec(src); mark && mark.index < MAX_MATH; mark = marks.exec(src)) {
    if (src.startsWith(close, mark.index)) return mark.index;
    if (mark[0].length === 1) return -1;
  }
  return -1;
}

function formula(src: string, from: number, end: number, after: number, display: boolean): Formula | undefined {
  const text = src.slice(from, end).trim();
  return text === '' ? undefined : {length: end + after, text, display};
}
