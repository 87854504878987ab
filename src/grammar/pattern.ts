// Regular expressions of ECMAScript, those that are regular: read into a tree of code points, then written in bytes. What a
// derivative cannot do (back references, looking behind, word boundaries) is refused by name. Knows no JSON.
import {ALL_CODE_POINTS, type CodePoints, codePoints, complement, type Encoding} from './code-points.ts';
import {refuse} from './refusal.ts';
import {EMPTY, NEVER, type Regex, type Regexes} from './regexes.ts';

const MAX_LENGTH = 20_000;
const MAX_DEPTH = 200;
const MAX_REPEAT = 1_000_000;

type Tree =
  | {kind: 'set'; set: CodePoints}
  | {kind: 'sequence' | 'choice'; parts: readonly Tree[]}
  | {kind: 'repeat'; part: Tree; low: number; high: number}
  | {kind: 'start' | 'end'}
  | {kind: 'look'; part: Tree; negative: boolean};

/** How a pattern is meant. `whole`: all of the text; `anywhere`: some part of it, as JSON Schema has it. */
export type Extent = 'whole' | 'anywhere';

/**
 * The texts that a pattern matches. No flags; characters are code points, as with flag `u`.
 * @throws GemmaError `grammar-invalid` for what is no pattern, or none that can be enforced
 */
export function patternRegex(regexes: Regexes, pattern: string, extent: Extent, encoding: Encoding): Regex {
  const tree = new Reader(pattern).read();
  const writer = new Writer(regexes, encoding, pattern);
  if (extent === 'whole') return writer.write(tree, EMPTY, true);
  const any = regexes.repeat(encoding(regexes, ALL_CODE_POINTS), 0, Number.POSITIVE_INFINITY);
  const some = regexes.repeat(encoding(regexes, ALL_CODE_POINTS), 1, Number.POSITIVE_INFINITY);
  return regexes.or([writer.write(tree, any, true), regexes.cat(some, writer.write(tree, any, false))]);
}

const DIGITS = codePoints([[0x30, 0x39]]);
const WORD = codePoints([
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]);
const SPACE = codePoints([
  [9, 13],
  [32, 32],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);
const LINE_ENDS = codePoints([
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
]);
const CLASSES: Readonly<Record<string, CodePoints>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
};
const CONTROLS: Readonly<Record<string, number>> = {t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0};

/** Sets of code points by `\p{…}`, as the platform knows them. */
const properties = new Map<string, CodePoints>();
/** All of Unicode in order, without surrogates. */
let everything: string | undefined;

function propertySet(name: string): CodePoints | null {
  const known = properties.get(name);
  if (known) return known;
  let runs: RegExp;
  try {
    runs = new RegExp(`\\p{${name}}+`, 'gu');
  } catch {
    return null;
  }
  everything ??= ALL_CODE_POINTS.map(([low, high]) => stretch(low, high)).join('');
  const set = codePoints(
    Array.from(everything.matchAll(runs), ({0: run, index}) => [codeAt(index), codeAt(index + run.length) - 1]),
  );
  properties.set(name, set);
  return set;
}

function stretch(low: number, high: number): string {
  let text = '';
  for (let from = low; from <= high; from += 4096) {
    const length = Math.min(4096, high + 1 - from);
    text += String.fromCodePoint(...Array.from({length}, (_, i) => from + i));
  }
  return text;
}

/** The code point at an index of `everything`; after its end, the one after the last. */
function codeAt(index: number): number {
  if (index < 0xd800) return index;
  return index < 0xf800 ? index + 0x800 : 0x10000 + (index - 0xf800) / 2;
}

class Reader {
  readonly #pattern: string;
  readonly #characters: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
    if (pattern.length > MAX_LENGTH) throw this.#refusal(`has ${pattern.length} characters; at most ${MAX_LENGTH}`);
    this.#characters = Array.from(pattern);
  }

  read(): Tree {
    const tree = this.#choice();
    if (this.#at < this.#characters.length) throw this.#refusal('has a ) without a (');
    return tree;
  }

  #refusal(what: string): Error {
    const shown = this.#pattern.length > 60 ? `${this.#pattern.slice(0, 60)}…` : this.#pattern;
    return refuse(`the pattern /${shown}/ ${what}`);
  }

  get #next(): string | undefined {
    return this.#characters[this.#at];
  }

  #take(text: string): boolean {
    const found = this.#characters.slice(this.#at, this.#at + text.length).join('') === text;
    if (found) this.#at += text.length;
    return found;
  }

  #choice(): Tree {
    if (++this.#depth > MAX_DEPTH) throw this.#refusal(`is nested deeper than ${MAX_DEPTH} levels`);
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    this.#depth--;
    return parts.length === 1 ? parts[0] : {kind: 'choice', parts};
  }

  #sequence(): Tree {
    const parts: Tree[] = [];
    while (this.#next !== undefined && this.#next !== '|' && this.#next !== ')') parts.push(this.#repeated());
    return parts.length === 1 ? parts[0] : {kind: 'sequence', parts};
  }

  #repeated(): Tree {
    const part = this.#atom();
    const bounds = this.#quantifier();
    if (!bounds) return part;
    // Lazy or greedy, the texts are the same.
    this.#take('?');
    if (this.#next !== undefined && '*+?'.includes(this.#next)) throw this.#refusal('repeats a repetition');
    return {kind: 'repeat', part, low: bounds[0], high: bounds[1]};
  }

  #quantifier(): [low: number, high: number] | null {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#take('?')) return [0, 1];
    if (this.#next !== '{') return null;
    const found = /^\{(\d{1,9})(?:(,)(\d{0,9}))?\}/.exec(this.#characters.slice(this.#at, this.#at + 24).join(''));
    if (!found) return null;
    this.#at += found[0].length;
    const low = Number(found[1]);
    const high = found[2] === undefined ? low : found[3] === '' ? Number.POSITIVE_INFINITY : Number(found[3]);
    if (high < low) throw this.#refusal(`repeats from ${low} to ${high} times`);
    if (low > MAX_REPEAT || (Number.isFinite(high) && high > MAX_REPEAT)) {
      throw this.#refusal(`repeats more than ${MAX_REPEAT} times`);
    }
    return [low, high];
  }

  #atom(): Tree {
    const character = this.#characters[this.#at++];
    switch (character) {
      case '^':
        return {kind: 'start'};
      case '$':
        return {kind: 'end'};
      case '.':
        return {kind: 'set', set: complement(LINE_ENDS)};
      case '(':
        return this.#group();
      case '[':
        return {kind: 'set', set: this.#class()};
      case '\\':
        return {kind: 'set', set: this.#escape(false)};
      case '*':
      case '+':
      case '?':
        throw this.#refusal(`has a ${character} with nothing before it`);
      default:
        return {kind: 'set', set: this.#single(character)};
    }
  }

  #group(): Tree {
    let look: boolean | null = null;
    if (this.#take('?')) {
      if (this.#take('=')) look = false;
      else if (this.#take('!')) look = true;
      else if (this.#take('<=') || this.#take('<!')) throw this.#refusal('looks behind, which cannot be enforced');
      else if (this.#take('<') || this.#take('P<')) {
        while (this.#next !== undefined && this.#next !== '>') this.#at++;
        this.#at++;
      } else if (!this.#take(':')) throw this.#refusal('has a group of a kind that is not supported');
    }
    const part = this.#choice();
    if (!this.#take(')')) throw this.#refusal('has a ( without a )');
    return look === null ? part : {kind: 'look', part, negative: look};
  }

  #class(): CodePoints {
    const negative = this.#take('^');
    const ranges: (readonly [number, number])[] = [];
    for (;;) {
      if (this.#next === undefined) throw this.#refusal('has a [ without a ]');
      if (this.#take(']')) break;
      const low = this.#classAtom();
      if (this.#next === '-' && this.#characters[this.#at + 1] !== ']' && this.#at + 1 < this.#characters.length) {
        this.#at++;
        const high = this.#classAtom();
        const [from, to] = [low[0]?.[0], high[0]?.[0]];
        const isRange = low.length === 1 && high.length === 1 && low[0][0] === low[0][1] && high[0][0] === high[0][1];
        if (!isRange || from > to) throw this.#refusal('has a range in [] that is none');
        ranges.push([from, to]);
      } else ranges.push(...low);
    }
    return negative ? complement(codePoints(ranges)) : codePoints(ranges);
  }

  #classAtom(): CodePoints {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw this.#refusal('has a [ without a ]');
    return character === '\\' ? this.#escape(true) : this.#single(character);
  }

  #single(character: string): CodePoints {
    const code = character.codePointAt(0)!;
    if (code >= 0xd800 && code <= 0xdfff) throw this.#refusal('has half a surrogate pair');
    return [[code, code]];
  }

  #escape(inClass: boolean): CodePoints {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw this.#refusal('ends in a backslash');
    if (Object.hasOwn(CLASSES, character)) return CLASSES[character];
    if (inClass && character === 'b') return [[8, 8]];
    if (character === 'b' || character === 'B') throw this.#refusal('has a word boundary, which cannot be enforced');
    if (character === 'k' || /[1-9]/.test(character)) {
      throw this.#refusal('refers back to a group, which is not regular and cannot be enforced');
    }
    if (character === '0' && /[0-9]/.test(this.#next ?? '')) throw this.#refusal('has an octal escape');
    if (Object.hasOwn(CONTROLS, character)) return [[CONTROLS[character], CONTROLS[character]]];
    if (character === 'p' || character === 'P') return this.#property(character === 'P');
    if (character === 'x' || character === 'u') return this.#number(character);
    if (character === 'c' && /[A-Za-z]/.test(this.#next ?? '')) {
      const code = this.#characters[this.#at++].charCodeAt(0) % 32;
      return [[code, code]];
    }
    if (/[A-Za-z]/.test(character)) throw this.#refusal(`has \\${character}, which is not supported`);
    return this.#single(character);
  }

  #property(negative: boolean): CodePoints {
    const found = /^\{([A-Za-z_=0-9]{1,80})\}/.exec(this.#characters.slice(this.#at, this.#at + 90).join(''));
    const set = found && propertySet(found[1]);
    if (!found || !set) throw this.#refusal('has a \\p{} that this browser does not know');
    this.#at += found[0].length;
    return negative ? complement(set) : set;
  }

  #number(kind: 'x' | 'u'): CodePoints {
    const rest = this.#characters.slice(this.#at, this.#at + 16).join('');
    const hex = kind === 'x' ? /^([0-9A-Fa-f]{2})/ : /^(?:([0-9A-Fa-f]{4})|\{([0-9A-Fa-f]{1,6})\})/;
    const found = hex.exec(rest);
    if (!found) throw this.#refusal(`has a \\${kind} without its digits`);
    this.#at += found[0].length;
    let code = Number.parseInt(found[1] ?? found[2], 16);
    const low = /^\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})/.exec(rest.slice(found[0].length));
    if (code >= 0xd800 && code < 0xdc00 && found[1] && low) {
      this.#at += low[0].length;
      code = 0x10000 + ((code - 0xd800) << 10) + (Number.parseInt(low[1], 16) - 0xdc00);
    }
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw this.#refusal('has half a surrogate pair');
    return [[code, code]];
  }
}

/** Writes a tree in bytes, from its end: what follows is known, so that looking ahead is an intersection with it. */
class Writer {
  readonly #regexes: Regexes;
  readonly #encoding: Encoding;
  readonly #pattern: string;
  readonly #sets = new Map<CodePoints, Regex>();

  constructor(regexes: Regexes, encoding: Encoding, pattern: string) {
    this.#regexes = regexes;
    this.#encoding = encoding;
    this.#pattern = pattern;
  }

  #set(set: CodePoints): Regex {
    const written = this.#sets.get(set) ?? this.#encoding(this.#regexes, set);
    this.#sets.set(set, written);
    return written;
  }

  /** @param rest all that may follow, to the end of the text. @param atStart nothing is before it */
  write(tree: Tree, rest: Regex, atStart: boolean): Regex {
    const regexes = this.#regexes;
    switch (tree.kind) {
      case 'set':
        return regexes.cat(this.#set(tree.set), rest);
      case 'choice':
        return regexes.or(tree.parts.map((part) => this.write(part, rest, atStart)));
      case 'sequence': {
        const starts: boolean[] = [];
        let start = atStart;
        for (const part of tree.parts) {
          starts.push(start);
          start &&= hasNoWidth(part);
        }
        return tree.parts.reduceRight((after, part, i) => this.write(part, after, starts[i]), rest);
      }
      case 'repeat': {
        if (isPlain(tree.part)) {
          const part = regexes.code(this.write(tree.part, EMPTY, false));
          return regexes.cat(regexes.repeat(part, tree.low, tree.high), rest);
        }
        if (tree.high === 1) {
          const once = this.write(tree.part, rest, atStart);
          return tree.low === 1 ? once : regexes.or([once, rest]);
        }
        throw refuse(
          `the pattern /${this.#pattern.slice(0, 60)}/ repeats an anchor or a look ahead, which cannot be enforced`,
        );
      }
      case 'start':
        return atStart ? rest : NEVER;
      case 'end':
        return regexes.nullable(rest) ? EMPTY : NEVER;
      case 'look': {
        const any = regexes.repeat(this.#encoding(regexes, ALL_CODE_POINTS), 0, Number.POSITIVE_INFINITY);
        const ahead = this.write(tree.part, any, atStart);
        return regexes.and([tree.negative ? regexes.not(ahead) : ahead, rest]);
      }
    }
  }
}

/** Whether no anchor and no look ahead is inside. */
function isPlain(tree: Tree): boolean {
  if (tree.kind === 'set') return true;
  if (tree.kind === 'repeat') return isPlain(tree.part);
  return (tree.kind === 'sequence' || tree.kind === 'choice') && tree.parts.every(isPlain);
}

function hasNoWidth(tree: Tree): boolean {
  if (tree.kind === 'sequence' || tree.kind === 'choice') return tree.parts.every(hasNoWidth);
  return tree.kind === 'start' || tree.kind === 'end' || tree.kind === 'look';
}
