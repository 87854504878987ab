// Grammars as llama.cpp writes them (GBNF, grammars/README.md): read into a tree, then written as rules. What of a grammar is
// regular becomes one lexeme. Tokens by name (`<think>`) are refused. Knows no JSON.
import {ALL_CODE_POINTS, ascii, type CodePoints, codePoints, complement, plainText} from './code-points.ts';
import {
  call,
  choice,
  type Expression,
  type GrammarBuilder,
  lexeme,
  many,
  NOTHING,
  optional,
  sequence,
} from './grammar.ts';
import {refuse, tooLarge} from './refusal.ts';
import {EMPTY, type Regex, type Regexes} from './regexes.ts';

const MAX_LENGTH = 200_000;
const MAX_DEPTH = 200;
/** Most repetitions of what is not regular. */
const MAX_REPEAT = 1000;

type Tree =
  | {kind: 'text'; text: string}
  | {kind: 'set'; set: CodePoints}
  | {kind: 'rule'; name: string; line: number}
  | {kind: 'sequence' | 'choice'; parts: readonly Tree[]}
  | {kind: 'repeat'; part: Tree; low: number; high: number};

/** @throws GemmaError `grammar-invalid`, with the line */
export function gbnfBody(builder: GrammarBuilder, source: string): Expression {
  const rules = new Reader(source).read();
  return new Writer(builder, rules).root();
}

class Reader {
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    if (source.length > MAX_LENGTH) throw tooLarge('characters of a grammar', MAX_LENGTH);
    this.#source = source;
  }

  read(): Map<string, Tree> {
    const rules = new Map<string, Tree>();
    for (this.#skip(true); this.#at < this.#source.length; this.#skip(true)) {
      const name = this.#match(/[A-Za-z][A-Za-z0-9-]*/y);
      if (name === null) throw this.#refusal('a rule begins with its name');
      this.#skip(false);
      if (this.#match(/::=/y) === null) throw this.#refusal(`expected ::= after ${name}`);
      if (rules.has(name)) throw this.#refusal(`${name} is there twice`);
      this.#skip(true);
      rules.set(name, this.#choice(false));
      if (this.#at < this.#source.length && !/[\r\n]/.test(this.#source[this.#at])) {
        throw this.#refusal(`${JSON.stringify(this.#source[this.#at])} is nothing here`);
      }
    }
    return rules;
  }

  get #line(): number {
    return this.#source.slice(0, this.#at).split('\n').length;
  }

  #refusal(what: string): Error {
    return refuse(`line ${this.#line} of the grammar: ${what}`);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source);
    if (!found) return null;
    this.#at += found[0].length;
    return found[0];
  }

  /** White space and comments; with `lines`, ends of lines too. */
  #skip(lines: boolean): void {
    this.#match(lines ? /(?:\s|#[^\r\n]*)*/y : /(?:[ \t]|#[^\r\n]*)*/y);
  }

  /** Within brackets, lines may end anywhere. */
  #choice(within: boolean): Tree {
    if (++this.#depth > MAX_DEPTH) throw this.#refusal(`nested deeper than ${MAX_DEPTH} levels`);
    const parts = [this.#sequence(within)];
    while (this.#match(/\|/y) !== null) {
      this.#skip(true);
      parts.push(this.#sequence(within));
    }
    this.#depth--;
    return parts.length === 1 ? parts[0] : {kind: 'choice', parts};
  }

  #sequence(within: boolean): Tree {
    const parts: Tree[] = [];
    for (;;) {
      const atom = this.#atom();
      if (!atom) break;
      parts.push(this.#repeated(atom));
      this.#skip(within);
    }
    return parts.length === 1 ? parts[0] : {kind: 'sequence', parts};
  }

  #repeated(atom: Tree): Tree {
    let part = atom;
    for (;;) {
      const sign = this.#match(/[*+?]|\{\d{1,9}(?:,\d{0,9})?\}/y);
      if (sign === null) return part;
      const [low, high] = bounds(sign);
      if (low > high) throw this.#refusal(`repeats from ${low} to ${high} times`);
      part = {kind: 'repeat', part, low, high};
    }
  }

  #atom(): Tree | null {
    const name = this.#match(/[A-Za-z][A-Za-z0-9-]*/y);
    if (name !== null) return {kind: 'rule', name, line: this.#line};
    switch (this.#source[this.#at]) {
      case '"':
        return {kind: 'text', text: this.#text()};
      case '[':
        return {kind: 'set', set: this.#set()};
      case '.':
        this.#at++;
        return {kind: 'set', set: ALL_CODE_POINTS};
      case '(': {
        this.#at++;
        this.#skip(true);
        const part = this.#choice(true);
        if (this.#match(/\)/y) === null) throw this.#refusal('a ( without a )');
        return part;
      }
      case '<':
      case '!':
        throw this.#refusal('tokens by name or number are not supported; write text');
      default:
        return null;
    }
  }

  #text(): string {
    let text = '';
    this.#at++;
    for (;;) {
      if (this.#match(/"/y) !== null) return text;
      text += String.fromCodePoint(this.#character('"'));
    }
  }

  #set(): CodePoints {
    this.#at++;
    const negative = this.#match(/\^/y) !== null;
    const ranges: [number, number][] = [];
    while (this.#match(/\]/y) === null) {
      const low = this.#character(']');
      const isRange = this.#match(/-(?!\])/y) !== null;
      const high = isRange ? this.#character(']') : low;
      if (low > high) throw this.#refusal('a range in [] that is none');
      ranges.push([low, high]);
    }
    return negative ? complement(codePoints(ranges)) : codePoints(ranges);
  }

  /** One character of a text or a set, escaped or not. */
  #character(end: string): number {
    const escaped = this.#match(/\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[\s\S])/y);
    const plain = escaped ?? this.#match(/[^\r\n]/uy);
    if (plain === null) throw this.#refusal(`there is no ${end} at its end`);
    let code = plain.codePointAt(0)!;
    if (escaped) {
      const sign = escaped[1];
      const controls: Readonly<Record<string, number>> = {n: 10, r: 13, t: 9};
      if (escaped.length > 2) code = Number.parseInt(escaped.slice(2), 16);
      else if (Object.hasOwn(controls, sign)) code = controls[sign];
      else if ('"\\[]-^'.includes(sign)) code = sign.charCodeAt(0);
      else throw this.#refusal(`\\${sign} is no escape`);
    }
    if (code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)) return code;
    throw this.#refusal('half a surrogate pair, or no code point');
  }
}

function bounds(sign: string): [low: number, high: number] {
  if (sign === '*') return [0, Number.POSITIVE_INFINITY];
  if (sign === '+') return [1, Number.POSITIVE_INFINITY];
  if (sign === '?') return [0, 1];
  const [low, high] = sign.slice(1, -1).split(',');
  return [Number(low), high === undefined ? Number(low) : high === '' ? Number.POSITIVE_INFINITY : Number(high)];
}

class Writer {
  readonly #builder: GrammarBuilder;
  readonly #regexes: Regexes;
  readonly #trees: ReadonlyMap<string, Tree>;
  readonly #rules = new Map<string, number>();
  /** By name; null where a rule is not regular, or not known to be yet. */
  readonly #regular = new Map<string, Regex | null>();

  constructor(builder: GrammarBuilder, trees: ReadonlyMap<string, Tree>) {
    this.#builder = builder;
    this.#regexes = builder.regexes;
    this.#trees = trees;
  }

  root(): Expression {
    if (!this.#trees.has('root')) throw refuse('the grammar has no rule root');
    const body = this.#rule('root', 1);
    // A rule that is used is written once; those that are never used are checked as well.
    for (const name of this.#trees.keys()) this.#rule(name, 1);
    return body;
  }

  #rule(name: string, line: number): Expression {
    const tree = this.#trees.get(name);
    if (!tree) throw refuse(`line ${line} of the grammar: there is no rule ${name}`);
    const regex = this.#regularRule(name, tree);
    if (regex !== null) return lexeme(regex);
    let rule = this.#rules.get(name);
    if (rule === undefined) {
      rule = this.#builder.declare(name);
      this.#rules.set(name, rule);
      this.#builder.define(rule, this.#write(tree));
    }
    return call(rule);
  }

  #regularRule(name: string, tree: Tree): Regex | null {
    const known = this.#regular.get(name);
    if (known !== undefined) return known;
    this.#regular.set(name, null);
    const regex = this.#regex(tree);
    this.#regular.set(name, regex);
    return regex;
  }

  /** Null where it leads to itself. */
  #regex(tree: Tree): Regex | null {
    const regexes = this.#regexes;
    switch (tree.kind) {
      case 'text':
        return ascii(regexes, tree.text);
      case 'set':
        return plainText(regexes, tree.set);
      case 'rule': {
        const body = this.#trees.get(tree.name);
        if (!body) throw refuse(`line ${tree.line} of the grammar: there is no rule ${tree.name}`);
        return this.#regularRule(tree.name, body);
      }
      case 'repeat': {
        const part = this.#regex(tree.part);
        return part === null ? null : regexes.repeat(regexes.code(part), tree.low, tree.high);
      }
      default: {
        const parts: Regex[] = [];
        for (const each of tree.parts) {
          const part = this.#regex(each);
          if (part === null) return null;
          parts.push(part);
        }
        return tree.kind === 'choice'
          ? regexes.or(parts)
          : parts.reduceRight((rest, part) => regexes.cat(part, rest), EMPTY);
      }
    }
  }

  #write(tree: Tree): Expression {
    const regex = this.#regex(tree);
    if (regex !== null) return lexeme(regex);
    switch (tree.kind) {
      case 'rule':
        return this.#rule(tree.name, tree.line);
      case 'sequence':
        return sequence(...tree.parts.map((part) => this.#write(part)));
      case 'choice':
        return choice(...tree.parts.map((part) => this.#write(part)));
      case 'repeat':
        return this.#repeat(this.#write(tree.part), tree.low, tree.high);
      default:
        throw new TypeError('texts and sets are regular');
    }
  }

  #repeat(part: Expression, low: number, high: number): Expression {
    if (high === 0) return NOTHING;
    if (low > MAX_REPEAT || (Number.isFinite(high) && high > MAX_REPEAT)) {
      throw tooLarge('repetitions of what is not regular', MAX_REPEAT);
    }
    const each = call(this.#builder.rule('repeated', part));
    if (high === Number.POSITIVE_INFINITY && low <= 1) return low === 0 ? optional(many(each)) : many(each);
    let rest: Expression = high === Number.POSITIVE_INFINITY ? optional(many(each)) : NOTHING;
    for (let i = Number.isFinite(high) ? high : low; i > 0; i--) {
      const more = sequence(each, rest);
      rest = call(this.#builder.rule('repeated', i > low ? optional(more) : more));
    }
    return rest;
  }
}
