// How a value of JSON is written: as JSON, or as Gemma writes the arguments of a tool call. Knows no schema.
//
// White space of JSON is bounded. It stands only where a value, a name or a closing bracket is on a line of its own, and after
// a colon: what JSON.stringify writes with any indentation up to 20 characters, compact JSON, and Python's `{"a": 1, "b": 2}`.
import {ALL_CODE_POINTS, ascii, type Encoding, encodeText, jsonText, plainText} from './code-points.ts';
import {EMPTY, type Regex, type Regexes} from './regexes.ts';
import {controlBytes} from './token-trie.ts';

/** How values are written. */
export interface Syntax {
  readonly encoding: Encoding;
  /** A string of these characters, with its quotes. */
  string(content: Regex): Regex;
  /** A name, or those of `names` but those of `without`, up to its value. */
  name(name: string): Regex;
  names(content: Regex, without: readonly string[]): Regex;
  /** A value that is known. */
  literal(value: unknown): Regex;
  /** After `{` or `[`, after a comma, and before `}` or `]`. */
  readonly open: Regex;
  readonly next: Regex;
  readonly close: Regex;
}

/** JSON as `JSON.stringify` and Python's `json.dumps` write it. */
export function jsonSyntax(regexes: Regexes): Syntax {
  const quote = ascii(regexes, '"');
  const indent = regexes.repeat(regexes.or([regexes.range(0x20), regexes.range(9)]), 0, 20);
  const line = regexes.cat(regexes.range(10), indent);
  const gap = regexes.optional(regexes.or([regexes.range(0x20), line]));
  const colon = regexes.cat(ascii(regexes, ':'), regexes.optional(regexes.range(0x20)));
  const string = (content: Regex): Regex => regexes.sequence(quote, content, quote);
  const text = (value: string): Regex => string(encodeText(regexes, jsonText, value));
  return {
    encoding: jsonText,
    string,
    name: (name) => regexes.cat(text(name), colon),
    names(content, without) {
      const end = regexes.cat(quote, colon);
      const all = regexes.cat(content, end);
      if (without.length === 0) return regexes.cat(quote, all);
      const names = without.map((name) => encodeText(regexes, jsonText, name, end));
      return regexes.cat(quote, regexes.and([all, regexes.not(regexes.or(names))]));
    },
    literal: (value) => (typeof value === 'string' ? text(value) : ascii(regexes, JSON.stringify(value))),
    open: gap,
    next: gap,
    close: gap,
  };
}

/** Names that stand bare in a call. */
const BARE = /^[\p{L}\p{N}_.$-]+$/u;

/**
 * Gemma 4's calls: `{name:value,…}`, strings between two `<|"|>` and without escapes.
 * @param quote the token that quotes
 */
export function callSyntax(regexes: Regexes, quote: number): Syntax {
  const mark = regexes.bytes(controlBytes(quote));
  const colon = ascii(regexes, ':');
  const bare = regexes.repeat(
    regexes.character(
      regexes.or([
        regexes.range(0x30, 0x39),
        regexes.range(0x41, 0x5a),
        regexes.range(0x61, 0x7a),
        regexes.range(0x5f),
      ]),
    ),
    1,
    64,
  );
  const string = (content: Regex): Regex => regexes.sequence(mark, content, mark);
  const name = (text: string): Regex =>
    regexes.cat(
      BARE.test(text) ? encodeText(regexes, plainText, text) : string(encodeText(regexes, plainText, text)),
      colon,
    );
  const literal = (value: unknown): Regex => {
    if (typeof value === 'string') return string(encodeText(regexes, plainText, value));
    if (Array.isArray(value)) {
      const items = value.flatMap((each, i) => (i > 0 ? [ascii(regexes, ','), literal(each)] : [literal(each)]));
      return regexes.sequence(ascii(regexes, '['), ...items, ascii(regexes, ']'));
    }
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).flatMap(([key, each], i) =>
        i > 0 ? [ascii(regexes, ','), name(key), literal(each)] : [name(key), literal(each)],
      );
      return regexes.sequence(ascii(regexes, '{'), ...entries, ascii(regexes, '}'));
    }
    return ascii(regexes, JSON.stringify(value));
  };
  return {
    encoding: plainText,
    string,
    name,
    // Bare names need no quotes: others would have to be told from the rest of the call.
    names(content, without) {
      const allowed = regexes.and([content, bare]);
      const all = regexes.cat(allowed, colon);
      if (without.length === 0) return all;
      return regexes.and([all, regexes.not(regexes.or(without.map(name)))]);
    },
    literal,
    open: EMPTY,
    next: EMPTY,
    close: EMPTY,
  };
}

/** A string of any characters. */
export function anyCharacters(regexes: Regexes, {encoding}: Syntax, low = 0, high = Number.POSITIVE_INFINITY): Regex {
  return regexes.repeat(encoding(regexes, ALL_CODE_POINTS), low, high);
}
