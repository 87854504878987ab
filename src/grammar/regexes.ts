// Regular languages over bytes, as hash-consed expressions with intersection and complement. Brzozowski's derivatives
// (1964) make their automata, state by state, as far as they are walked. Knows no text: code points are code-points.ts's.
import {tooLarge} from './refusal.ts';

/** An expression: an index into its `Regexes`. Equal ones have equal indices. */
export type Regex = number;

/** No string at all, and only the empty one. */
export const NEVER: Regex = 0;
export const EMPTY: Regex = 1;

const SET = 2;
const CAT = 3;
const OR = 4;
const AND = 5;
const NOT = 6;
const REPEAT = 7;

/** Expressions of one grammar, with what is derived from them. */
const MAX_EXPRESSIONS = 400_000;
/** States that are visited to see whether an intersection is empty, at once and in all. */
const MAX_VISITED = 20_000;
const MAX_VISITED_IN_ALL = 100_000;
/** States that are visited to see whether one language is within another, where nothing depends on it but speed. */
const MAX_COMPARED = 2000;
/** States of an expression that is looked at for being a code. */
const MAX_CODE_STATES = 64;
/** Members of all unions and intersections. */
const MAX_MEMBERS = 1_000_000;

type Words = Uint32Array;

/** `element` from `low` to `high` times, then `rest`. */
export interface Loop {
  element: Regex;
  low: number;
  high: number;
  rest: Regex;
}

/** Makes expressions and derives them. One a grammar, and one that grammars share for JSON's own. */
export class Regexes {
  readonly #kinds: number[] = [NEVER, EMPTY];
  /** CAT: both halves; NOT: one; REPEAT: element and index into `#bounds`; SET: index; OR, AND: index of the list. */
  readonly #left: number[] = [0, 0];
  readonly #right: number[] = [0, 0];
  readonly #nullable: boolean[] = [false, true];
  /** Whether an AND or NOT is inside: only then a language may be empty that is not NEVER. */
  readonly #boolean: boolean[] = [false, false];
  readonly #lists: (readonly Regex[])[] = [];
  readonly #sets: Words[] = [];
  readonly #bounds: [low: number, high: number][] = [];
  readonly #known = new Map<string, Regex>();
  readonly #derived = new Map<number, Regex>();
  readonly #borders = new Map<Regex, Words>([
    [NEVER, new Uint32Array(8)],
    [EMPTY, new Uint32Array(8)],
  ]);
  readonly #alive = new Map<Regex, boolean>();
  readonly #characters = new Set<Regex>();
  /** Characters, and other expressions of which the same is known. */
  readonly #codes = new Set<Regex>();
  #visited = 0;
  #compared = 0;
  #members = 0;

  /** Every string of bytes. */
  readonly all: Regex;

  constructor() {
    this.all = this.not(NEVER);
  }

  /** One byte of a set. @param words 256 bits */
  set(words: Words): Regex {
    if (words.every((word) => word === 0)) return NEVER;
    return this.#intern(`s${words.join()}`, SET, () => [this.#sets.push(words) - 1, 0, false, false]);
  }

  /** One byte from `low` to `high`. */
  range(low: number, high = low): Regex {
    const words = new Uint32Array(8);
    for (let byte = low; byte <= high; byte++) words[byte >> 5] |= 1 << (byte & 31);
    return this.set(words);
  }

  bytes(bytes: Uint8Array, rest: Regex = EMPTY): Regex {
    let regex = rest;
    for (let i = bytes.length - 1; i >= 0; i--) regex = this.cat(this.range(bytes[i]), regex);
    return regex;
  }

  cat(left: Regex, right: Regex): Regex {
    if (left === NEVER || right === NEVER) return NEVER;
    if (left === EMPTY) return right;
    if (right === EMPTY) return left;
    // To the right, so that equal expressions have one form.
    const heads: Regex[] = [];
    let first = left;
    for (; this.#kinds[first] === CAT; first = this.#right[first]) heads.push(this.#left[first]);
    return [...heads, first].reduceRight((rest, head) => this.#cat(head, rest), right);
  }

  #cat(left: Regex, right: Regex): Regex {
    return this.#intern(`c${left},${right}`, CAT, () => [
      left,
      right,
      this.#nullable[left] && this.#nullable[right],
      this.#boolean[left] || this.#boolean[right],
    ]);
  }

  sequence(...parts: readonly Regex[]): Regex {
    return parts.reduceRight((rest, part) => this.cat(part, rest), EMPTY);
  }

  or(parts: readonly Regex[]): Regex {
    const flat = new Set<Regex>();
    let bytes: Words | null = null;
    for (const part of parts) {
      for (const each of this.#kinds[part] === OR ? this.#lists[this.#left[part]] : [part]) {
        if (each === this.all) return each;
        if (each === NEVER) continue;
        if (this.#kinds[each] === SET) bytes = joined(bytes, this.#sets[this.#left[each]], (a, b) => a | b);
        else flat.add(each);
      }
    }
    if (bytes) flat.add(this.set(bytes));
    return this.#list('o', OR, flat, NEVER);
  }

  and(parts: readonly Regex[]): Regex {
    const flat = new Set<Regex>();
    let bytes: Words | null = null;
    for (const part of parts) {
      for (const each of this.#kinds[part] === AND ? this.#lists[this.#left[part]] : [part]) {
        if (each === NEVER) return NEVER;
        if (each === this.all) continue;
        if (this.#kinds[each] === SET) bytes = joined(bytes, this.#sets[this.#left[each]], (a, b) => a & b);
        else flat.add(each);
      }
    }
    if (bytes) flat.add(this.set(bytes));
    if (flat.has(NEVER)) return NEVER;
    if (flat.has(EMPTY)) return [...flat].every((each) => this.#nullable[each]) ? EMPTY : NEVER;
    for (const each of flat) if (this.#kinds[each] === NOT && flat.has(this.#left[each])) return NEVER;
    return this.#list('a', AND, flat, this.all);
  }

  /** All strings of bytes but these: of text, only with `and` beside it. */
  not(regex: Regex): Regex {
    if (this.#kinds[regex] === NOT) return this.#left[regex];
    return this.#intern(`n${regex}`, NOT, () => [regex, 0, !this.#nullable[regex], true]);
  }

  /** From `low` to `high` times; `high` may be Infinity. */
  repeat(element: Regex, low: number, high: number): Regex {
    if (high === 0 || element === EMPTY) return EMPTY;
    if (element === NEVER) return low === 0 ? EMPTY : NEVER;
    if (low === 1 && high === 1) return element;
    const from = this.#nullable[element] ? 0 : low;
    return this.#intern(`r${element},${from},${high}`, REPEAT, () => [
      element,
      this.#bounds.push([from, high]) - 1,
      from === 0,
      this.#boolean[element],
    ]);
  }

  optional(regex: Regex): Regex {
    return this.or([EMPTY, regex]);
  }

  /** Says that the expression is one character: no string of it is the beginning of another one. */
  character(regex: Regex): Regex {
    if (regex > EMPTY) {
      this.#characters.add(regex);
      this.#codes.add(regex);
    }
    return regex;
  }

  /** Marks an expression none of whose strings is the beginning of another one, so that runs of it can be counted. */
  code(regex: Regex): Regex {
    if (regex <= EMPTY || this.#boolean[regex] || this.#codes.has(regex)) return regex;
    const seen = new Set([regex]);
    for (const state of seen) {
      if (seen.size > MAX_CODE_STATES || (this.#nullable[state] && state !== EMPTY)) return regex;
      for (const byte of firstOfEach(this.borders(state))) {
        const next = this.derive(state, byte);
        if (next !== NEVER) seen.add(next);
      }
    }
    this.#codes.add(regex);
    return regex;
  }

  /** Whether it is one character: see `character`. */
  isCharacter(regex: Regex): boolean {
    return this.#characters.has(regex);
  }

  /** Whether the empty string is among its strings. */
  nullable(regex: Regex): boolean {
    return this.#nullable[regex];
  }

  /**
   * Expressions that are the same together, and that each begin in one way: unions are taken apart, and groups that repeat are
   * written out once. Null for more than `most` of them.
   */
  alternatives(regex: Regex, most: number): Regex[] | null {
    const found = new Set<Regex>();
    const seen = new Set([regex]);
    for (const each of seen) {
      if (seen.size > 4 * most || found.size > most) return null;
      const parts = this.#unfold(each);
      if (parts) for (const part of parts) seen.add(part);
      else found.add(each);
    }
    return [...found];
  }

  #unfold(regex: Regex): readonly Regex[] | null {
    const isCat = this.#kinds[regex] === CAT;
    const [first, rest] = isCat ? [this.#left[regex], this.#right[regex]] : [regex, EMPTY];
    const left = this.#left[first];
    if (this.#kinds[first] === OR) return this.#lists[left].map((part) => this.cat(part, rest));
    if (this.#kinds[first] !== REPEAT || this.#codes.has(left)) return null;
    const [low, high] = this.#bounds[this.#right[first]];
    const once = this.cat(left, this.cat(this.repeat(left, Math.max(0, low - 1), high - 1), rest));
    return low > 0 ? [once] : [once, rest];
  }

  /** `X{low,high} rest` where X is a character or a code; null for anything else. */
  loop(regex: Regex): Loop | null {
    const isCat = this.#kinds[regex] === CAT;
    const repeat = isCat ? this.#left[regex] : regex;
    if (this.#kinds[repeat] !== REPEAT || !this.#codes.has(this.#left[repeat])) return null;
    const [low, high] = this.#bounds[this.#right[repeat]];
    return {element: this.#left[repeat], low, high, rest: isCat ? this.#right[regex] : EMPTY};
  }

  /** All loops so far. */
  *loops(): Generator<Loop, void, void> {
    for (let regex = 0; regex < this.#kinds.length; regex++) {
      const loop = this.loop(regex);
      if (loop) yield loop;
    }
  }

  /** `kept` without the strings of `left out`, where it is such a difference; else null. */
  difference(regex: Regex): {kept: Regex; leftOut: Regex} | null {
    if (this.#kinds[regex] !== AND) return null;
    const list = this.#lists[this.#left[regex]];
    const negated = list.filter((each) => this.#kinds[each] === NOT);
    if (negated.length === 0 || negated.length === list.length) return null;
    return {
      kept: this.and(list.filter((each) => this.#kinds[each] !== NOT)),
      leftOut: this.or(negated.map((each) => this.#left[each])),
    };
  }

  /** What may follow after `byte`. */
  derive(regex: Regex, byte: number): Regex {
    if (regex <= EMPTY) return NEVER;
    const key = regex * 256 + byte;
    const known = this.#derived.get(key);
    if (known !== undefined) return known;
    const derived = this.#derive(regex, byte);
    this.#derived.set(key, derived);
    return derived;
  }

  #derive(regex: Regex, byte: number): Regex {
    const left = this.#left[regex];
    const right = this.#right[regex];
    switch (this.#kinds[regex]) {
      case SET:
        return (this.#sets[left][byte >> 5] >>> (byte & 31)) & 1 ? EMPTY : NEVER;
      case CAT: {
        const first = this.cat(this.derive(left, byte), right);
        return this.#nullable[left] ? this.or([first, this.derive(right, byte)]) : first;
      }
      case OR:
        return this.or(this.#lists[left].map((each) => this.derive(each, byte)));
      case AND:
        return this.and(this.#lists[left].map((each) => this.derive(each, byte)));
      case NOT:
        return this.not(this.derive(left, byte));
      default: {
        const [low, high] = this.#bounds[right];
        return this.cat(this.derive(left, byte), this.repeat(left, Math.max(0, low - 1), high - 1));
      }
    }
  }

  /**
   * Where the derivative changes: bit b says that byte b may differ from the byte before it. Bytes between two borders
   * have one derivative.
   */
  borders(regex: Regex): Words {
    const known = this.#borders.get(regex);
    if (known) return known;
    const left = this.#left[regex];
    let borders: Words;
    switch (this.#kinds[regex]) {
      case SET:
        borders = bordersOf(this.#sets[left]);
        break;
      case CAT:
        borders = this.borders(left);
        if (this.#nullable[left]) borders = joined(borders, this.borders(this.#right[regex]), (a, b) => a | b);
        break;
      case OR:
      case AND: {
        const all = new Uint32Array(8);
        for (const each of this.#lists[left]) addBits(all, this.borders(each));
        borders = all;
        break;
      }
      default:
        borders = this.borders(left);
    }
    this.#borders.set(regex, borders);
    return borders;
  }

  /** Whether it has any string. @throws GemmaError `grammar-invalid` where that takes too long to find out */
  alive(regex: Regex): boolean {
    const [alive, visited] = this.#search(regex, Math.min(MAX_VISITED, MAX_VISITED_IN_ALL - this.#visited));
    this.#visited += visited;
    if (alive === null) throw tooLarge('states of a pattern', MAX_VISITED);
    return alive;
  }

  /** Whether every string of `part` is one of `whole`. False, too, where that takes long to find out. */
  within(part: Regex, whole: Regex): boolean {
    if (this.#compared > MAX_VISITED) return false;
    const [alive, visited] = this.#search(this.and([part, this.not(whole)]), MAX_COMPARED);
    this.#compared += visited;
    return alive === false;
  }

  /** Whether so much has been derived that it is better to begin anew. */
  get isWorn(): boolean {
    return (
      this.#kinds.length > MAX_EXPRESSIONS / 2 ||
      this.#visited > MAX_VISITED_IN_ALL / 2 ||
      this.#members > MAX_MEMBERS / 2
    );
  }

  /** Whether it has any string, and how many states were visited to know; null where that is more than `most`. */
  #search(regex: Regex, most: number): [alive: boolean | null, visited: number] {
    if (!this.#boolean[regex]) return [regex !== NEVER, 0];
    const known = this.#alive.get(regex);
    if (known !== undefined) return [known, 0];
    /** By state, the one before it. */
    const seen = new Map<Regex, Regex | null>([[regex, null]]);
    const open = [regex];
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      if (seen.size > most) return [null, seen.size];
      if (this.#nullable[state] || !this.#boolean[state] || this.#alive.get(state)) {
        for (let at: Regex | null = state; at !== null; at = seen.get(at) ?? null) this.#alive.set(at, true);
        return [true, seen.size];
      }
      for (const byte of firstOfEach(this.borders(state))) {
        const next = this.derive(state, byte);
        if (next === NEVER || seen.has(next) || this.#alive.get(next) === false) continue;
        seen.set(next, state);
        open.push(next);
      }
    }
    for (const state of seen.keys()) this.#alive.set(state, false);
    return [false, seen.size];
  }

  /** The expression as a text, the same in every `Regexes`. */
  describe(regex: Regex): string {
    const left = this.#left[regex];
    const list = (): string =>
      this.#lists[left]
        .map((each) => this.describe(each))
        .sort()
        .join();
    switch (this.#kinds[regex]) {
      case SET:
        return `[${this.#sets[left].join()}]`;
      case CAT:
        return `${this.describe(left)}${this.describe(this.#right[regex])}`;
      case OR:
        return `(${list()})`;
      case AND:
        return `&(${list()})`;
      case NOT:
        return `!(${this.describe(left)})`;
      case REPEAT:
        return `(${this.describe(left)}){${this.#bounds[this.#right[regex]].join()}}`;
      default:
        return String(regex);
    }
  }

  /** Whether the bytes are one of its strings. */
  matches(regex: Regex, bytes: Uint8Array): boolean {
    let state = regex;
    for (const byte of bytes) state = this.derive(state, byte);
    return this.#nullable[state];
  }

  #list(name: string, kind: number, members: ReadonlySet<Regex>, none: Regex): Regex {
    if (members.size === 0) return none;
    const list = [...members].sort((a, b) => a - b);
    if (list.length === 1) return list[0];
    this.#members += list.length;
    if (this.#members > MAX_MEMBERS) throw tooLarge('alternatives', MAX_MEMBERS);
    return this.#intern(name + list.join(), kind, () => [
      this.#lists.push(list) - 1,
      0,
      kind === OR ? list.some((each) => this.#nullable[each]) : list.every((each) => this.#nullable[each]),
      kind === AND || list.some((each) => this.#boolean[each]),
    ]);
  }

  #intern(key: string, kind: number, make: () => [left: number, right: number, nullable: boolean, bool: boolean]) {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const id = this.#kinds.length;
    if (id >= MAX_EXPRESSIONS) throw tooLarge('parts', MAX_EXPRESSIONS);
    const [left, right, nullable, bool] = make();
    this.#kinds.push(kind);
    this.#left.push(left);
    this.#right.push(right);
    this.#nullable.push(nullable);
    this.#boolean.push(bool);
    this.#known.set(key, id);
    return id;
  }
}

/** One byte for each stretch between two borders. */
export function* firstOfEach(borders: Words): Generator<number, void, void> {
  yield 0;
  for (let byte = 1; byte < 256; byte++) if ((borders[byte >> 5] >>> (byte & 31)) & 1) yield byte;
}

/** Adds the bits of `more` to `bits`. */
export function addBits(bits: Words, more: Words): void {
  for (let i = 0; i < bits.length; i++) bits[i] |= more[i];
}

function bordersOf(set: Words): Words {
  const borders = new Uint32Array(8);
  const has = (byte: number): number => (set[byte >> 5] >>> (byte & 31)) & 1;
  for (let byte = 1; byte < 256; byte++) if (has(byte) !== has(byte - 1)) borders[byte >> 5] |= 1 << (byte & 31);
  return borders;
}

function joined(a: Words | null, b: Words, join: (a: number, b: number) => number): Words {
  return a ? a.map((word, i) => join(word, b[i])) : b;
}
