// The end of a text that is still being written, as it will most likely stand: what is open is closed (`**bold`, a
// fence, a link), and marks that may still become something else are held back. So a reader sees no mark appear and
// vanish again. Looks only at the end, in time that is linear in the text's length; knows no tokens.
import {inlineFormula, MAX_MATH, mayBecomeFormula} from './math-syntax.ts';

/** What may stand before a line's own text: quote marks and indentation. */
const CONTAINER = /^[\s>]*/;
/** A line that so far holds only what may become a list, a heading, a rule, a fence, a table. */
const BARE_MARK = /^(?:#{1,6}|[-+*_=~`]+|(?:[-*_] ?)+|\d{1,9}[.)]?|[|:])?[ \t]*$/;
const LIST_MARK = /^(?:[-+*]|\d{1,9}[.)])[ \t]+/;
const DEFINITION = /^\[(?!\^)[^\]]{1,999}\]:/;
const FENCE = /^(?:`{3,}|~{3,})/;
/** Longer lines, and lines with more open marks, are shown as they stand. */
const MAX_RUN = 4000;
const MAX_OPEN = 50;

/** @param text from the beginning of a block on */
export function complete(text: string): string {
  const fence = openFence(text);
  if (fence !== null) return completeFence(text, fence.mark);
  const math = openMath(text);
  if (math !== null) return text.slice(0, math);
  const table = completeTable(text);
  if (table !== null) return table;
  const line = text.slice(text.lastIndexOf('\n') + 1).replace(CONTAINER, '');
  const own = line.replace(LIST_MARK, '');
  if (DEFINITION.test(line)) return text.slice(0, text.length - line.length);
  if (!BARE_MARK.test(own)) return completeInline(text);
  const held = text.slice(0, text.length - own.length);
  return completeInline(own === line ? held.trimEnd().replace(/\\$/, '') : held);
}

/** Where a formula in lines of its own begins that is still being written, or null. */
function openMath(text: string): number | null {
  const begin = /^[ \t>]*(\$\$|\\\[)/gm;
  for (let found = begin.exec(text); found; found = begin.exec(text)) {
    const end = text.indexOf(found[1] === '$$' ? '$$' : '\\]', begin.lastIndex);
    if (end < 0) return text.length - found.index < MAX_MATH ? found.index : null;
    begin.lastIndex = end + 2;
  }
  return null;
}

/** The fence that is open at the end: its mark, and where its line begins; null where none is. */
export function openFence(text: string): {mark: string; at: number} | null {
  let open: {mark: string; at: number} | null = null;
  let at = 0;
  for (const line of text.split('\n')) {
    const own = line.replace(CONTAINER, '');
    if (open === null) {
      const begin = /^(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*(`{3,}(?=[^`]*$)|~{3,})/.exec(own);
      if (begin) open = {mark: begin[1], at};
    } else if (own.startsWith(open.mark) && own.trimEnd().replaceAll(open.mark[0], '') === '') open = null;
    at += line.length + 1;
  }
  return open;
}

function completeFence(text: string, fence: string): string {
  const lineStart = text.lastIndexOf('\n') + 1;
  const line = text.slice(lineStart);
  const own = line.replace(CONTAINER, '');
  // The language's name is still being written.
  const begin = line.lastIndexOf(fence);
  if (lineStart === 0 || (begin >= 0 && openFence(text.slice(0, lineStart)) === null)) {
    return text.slice(0, lineStart + begin + fence.length);
  }
  // The closing fence is.
  const closing = own !== '' && own.replaceAll(fence[0], '') === '';
  return closing ? text.slice(0, lineStart - 1) : text;
}

/** A table whose header or delimiter row is still being written; null where the text ends in none. */
function completeTable(text: string): string | null {
  const block = text.slice(text.lastIndexOf('\n\n') + 1).replace(/^\n/, '');
  const [header, delimiter, more] = block.split('\n');
  if (!/^ {0,3}\|/.test(header) || more !== undefined) return null;
  if (delimiter !== undefined && !/^[ \t|:-]*$/.test(delimiter)) return null;
  const row = delimiter === undefined ? completeInline(header).replace(/\\$/, '') : header;
  const closed = /(?<!\\)\|[ \t]*$/.test(row) ? row : `${row} |`;
  const columns = closed.split(/(?<!\\)\|/).length - 2;
  if (columns < 1) return text.slice(0, text.length - block.length);
  return `${text.slice(0, text.length - block.length)}${closed}\n|${'-|'.repeat(columns)}`;
}

interface Opener {
  mark: string;
  at: number;
}

function completeInline(text: string): string {
  const start = inlineStart(text);
  const run = text.slice(start);
  if (run.length > MAX_RUN) return text;
  // Code by indentation, as far as no list is there that the lines could belong to.
  if (/^\n*(?: {4}|\t)/.test(run) && !/^[ \t]*(?:[-+*]|\d{1,9}[.)])\s/m.test(text)) return text;
  const {end, openers, closer} = scan(run);
  if (openers.length > MAX_OPEN) return text;
  let body = run.slice(0, end);
  if (!closer) body = body.trimEnd();
  let suffix = closer;
  for (const {mark, at} of openers.reverse()) {
    if (at + mark.length >= body.length) {
      body = body.slice(0, at).trimEnd();
      continue;
    }
    // A link, or a picture, without an address yet: one that nothing can be opened at.
    suffix += mark.endsWith('[') ? '](x:)' : mark;
  }
  return text.slice(0, start) + body + suffix;
}

/** Where the last run of inline text begins: after a blank line, or on a line that begins something of its own. */
function inlineStart(text: string): number {
  let start = 0;
  let at = 0;
  for (const line of text.split('\n')) {
    const own = line.replace(CONTAINER, '');
    if (own === '' || FENCE.test(own)) start = at + line.length;
    else if (LIST_MARK.test(own) || /^(?:#{1,6}[ \t]|\|)/.test(own)) start = at + line.length - own.length;
    at += line.length + 1;
  }
  const row = text.slice(start);
  if (row.startsWith('|')) return start + row.search(/(?<!\\)\|(?:\\.|[^|\\])*$/) + 1;
  return start + (LIST_MARK.exec(row)?.[0].length ?? 0);
}

/** @returns where the text is to be cut, what is open there, and what closes a code span */
function scan(run: string): {end: number; openers: Opener[]; closer: string} {
  const openers: Opener[] = [];
  let i = 0;
  const cut = (end: number) => ({end, openers: openers.filter(({at}) => at < end), closer: ''});
  while (i < run.length && openers.length <= MAX_OPEN) {
    const char = run[i];
    const rest = run.slice(i);
    if (char === '\\') {
      if (rest.length === 1) return cut(i);
      if (rest[1] === '(' || rest[1] === '[') {
        const length = mathLength(rest, '');
        if (length === null) return cut(i);
        i += length;
      } else i += 2;
    } else if (char === '`') {
      const mark = /^`+/.exec(rest)![0];
      const close = new RegExp(`(?<!\`)${mark}(?!\`)`).exec(rest.slice(mark.length));
      if (!close) return openCode(run, i, mark, openers);
      i += mark.length + close.index + mark.length;
    } else if (char === '$') {
      const length = mathLength(rest, run[i - 1] ?? '');
      if (length === null) return cut(i);
      i += length;
    } else if (char === '*' || char === '_' || char === '~') {
      const mark = /^(.)\1*/.exec(rest)![0];
      if (mark.length === rest.length) return cut(i);
      emphasis(run, i, mark, openers);
      i += mark.length;
    } else if (char === '[') {
      if (i === 0 && /^\[[ xX]?(?:\] ?)?$/.test(rest)) return cut(i);
      const image = run[i - 1] === '!';
      if (image) openers.push({mark: '![', at: i - 1});
      else if (!/[\w\])]/.test(run[i - 1] ?? '')) openers.push({mark: '[', at: i});
      i += 1;
    } else if (char === ']') {
      const bracket = openers.findLastIndex(({mark}) => mark.endsWith('['));
      const length = bracket < 0 ? 1 : targetLength(rest);
      if (length === null) return cut(i);
      // What was opened inside a link's text and not closed there stays text.
      if (bracket >= 0) openers.length = bracket;
      i += length;
    } else if (/^(?:!|&#?\w{0,16}|<(?:br[ /]*|[a-z][a-z\d+.-]{0,15})?)$/i.test(rest)) {
      return cut(i);
    } else if (/^<[a-z][a-z\d+.-]*:[^\s<>]*$/i.test(rest)) {
      return {...cut(i), end: run.length, closer: '>'};
    } else i += 1;
  }
  return cut(run.length);
}

/** How long the mathematics at the beginning of `rest` is; null where it is still open, its mark's length where it is none. */
function mathLength(rest: string, before: string): number | null {
  const formula = inlineFormula(rest, before);
  if (formula) return formula.length;
  return mayBecomeFormula(rest, before) ? null : /^\$+|^\\./.exec(rest)![0].length;
}

/** How long what follows a link's text is, its bracket included; null where it is still being written. */
function targetLength(rest: string): number | null {
  if (rest.length === 1) return null;
  if (rest[1] === '[') {
    const end = rest.indexOf(']', 2);
    return end < 0 ? null : end + 1;
  }
  if (rest[1] !== '(') return 1;
  let depth = 0;
  for (let i = 1; i < rest.length; i++) {
    if (rest[i] === '\\') i += 1;
    else if (rest[i] === '\n' && rest[i - 1] === '\n') return 1;
    else if (rest[i] === '(') depth += 1;
    else if (rest[i] === ')') {
      depth -= 1;
      if (depth === 0) return i + 1;
    }
  }
  return null;
}

function openCode(run: string, at: number, mark: string, openers: Opener[]): ReturnType<typeof scan> {
  const code = run.slice(at + mark.length);
  // Only marks so far, or the closing ones on their way.
  const end = code.replace(/`+$/, '').trim() === '' ? at : run.length - (/`+$/.exec(code)?.[0].length ?? 0);
  const space = run[end - 1] === '`' ? ' ' : '';
  return {end, openers, closer: end === at ? '' : space + mark};
}

/** Opens or closes emphasis, roughly as CommonMark has it. */
function emphasis(run: string, at: number, mark: string, openers: Opener[]): void {
  const before = run[at - 1] ?? ' ';
  const after = run[at + mark.length];
  const inWord = mark[0] === '_' && /\w/.test(before) && /\w/.test(after);
  if (inWord || (mark[0] === '~' && mark.length !== 2)) return;
  let left = mark.length;
  if (!/\s/.test(before)) {
    for (let top = openers.at(-1); left > 0 && top?.mark[0] === mark[0]; top = openers.at(-1)) {
      const length = Math.min(left, top.mark.length);
      left -= length;
      if (length === top.mark.length) openers.pop();
      else openers[openers.length - 1] = {mark: top.mark.slice(length), at: top.at};
    }
  }
  if (left > 0 && !/\s/.test(after)) openers.push({mark: mark[0].repeat(left), at: at + mark.length - left});
}
