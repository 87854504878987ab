// Sets of code points, and how one of them is written in bytes: as it is (UTF-8), or as inside a JSON string. Surrogates
// are in no set: what is generated is valid UTF-8.
import {EMPTY, type Regex, type Regexes} from './regexes.ts';

/** Ranges, both ends included, in order, with gaps between them. */
export type CodePoints = readonly (readonly [low: number, high: number])[];

const LAST = 0x10ffff;
export const ALL_CODE_POINTS: CodePoints = [
  [0, 0xd7ff],
  [0xe000, LAST],
];

/** In order, without overlaps and surrogates. */
export function codePoints(ranges: Iterable<readonly [number, number]>): CodePoints {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const result: [number, number][] = [];
  for (const [low, high] of sorted) {
    const last = result.at(-1);
    if (last && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else result.push([low, high]);
  }
  return intersect(result, ALL_CODE_POINTS);
}

export function complement(set: CodePoints): CodePoints {
  const result: [number, number][] = [];
  let from = 0;
  for (const [low, high] of set) {
    if (low > from) result.push([from, low - 1]);
    from = high + 1;
  }
  if (from <= LAST) result.push([from, LAST]);
  return intersect(result, ALL_CODE_POINTS);
}

export function intersect(a: CodePoints, b: CodePoints): CodePoints {
  const result: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const low = Math.max(a[i][0], b[j][0]);
    const high = Math.min(a[i][1], b[j][1]);
    if (low <= high) result.push([low, high]);
    if (a[i][1] < b[j][1]) i++;
    else j++;
  }
  return result;
}

/** Writes one code point of a set. */
export type Encoding = (regexes: Regexes, set: CodePoints) => Regex;

/** UTF-8. */
export const plainText: Encoding = (regexes, set) =>
  regexes.character(regexes.or(set.flatMap(([low, high]) => utf8Ranges(regexes, low, high))));

const MUST_ESCAPE: CodePoints = [
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
];
/** Inside a JSON string: every code point has one form, that of `JSON.stringify`. */
export const jsonText: Encoding = (regexes, set) => {
  const parts = [plainText(regexes, intersect(set, complement(MUST_ESCAPE)))];
  for (const [low, high] of intersect(set, MUST_ESCAPE)) {
    for (let code = low; code <= high; code++)
      parts.push(ascii(regexes, JSON.stringify(String.fromCharCode(code)).slice(1, -1)));
  }
  return regexes.character(regexes.or(parts));
};

/** The text as `encoding` writes it; half a surrogate pair matches nothing. */
export function encodeText(regexes: Regexes, encoding: Encoding, text: string, rest: Regex = EMPTY): Regex {
  const codes = Array.from(text, (character) => character.codePointAt(0)!);
  return codes.reduceRight(
    (after, code) => regexes.cat(encoding(regexes, intersect([[code, code]], ALL_CODE_POINTS)), after),
    rest,
  );
}

const encoder = new TextEncoder();

/** A text's own bytes. */
export function ascii(regexes: Regexes, text: string, rest: Regex = EMPTY): Regex {
  return regexes.bytes(encoder.encode(text), rest);
}

/** Ranges of code points whose UTF-8 has equally many bytes. */
const LENGTHS = [0x7f, 0x7ff, 0xffff, LAST] as const;

function utf8Ranges(regexes: Regexes, low: number, high: number): Regex[] {
  const parts: Regex[] = [];
  let from = low;
  for (const last of LENGTHS) {
    if (from > high) break;
    if (from > last) continue;
    const to = Math.min(high, last);
    parts.push(byteRanges(regexes, encodeUtf8(from), encodeUtf8(to)));
    from = to + 1;
  }
  return parts;
}

/** Byte strings of one length from `low` to `high` whose bytes after the first are those of UTF-8. */
function byteRanges(regexes: Regexes, low: readonly number[], high: readonly number[]): Regex {
  if (low.length === 1) return regexes.range(low[0], high[0]);
  const [first, ...lowRest] = low;
  const [last, ...highRest] = high;
  if (first === last) return regexes.cat(regexes.range(first), byteRanges(regexes, lowRest, highRest));
  const least = lowRest.map(() => 0x80);
  const most = lowRest.map(() => 0xbf);
  const parts: Regex[] = [];
  const lowIsWhole = lowRest.every((byte) => byte === 0x80);
  const highIsWhole = highRest.every((byte) => byte === 0xbf);
  if (!lowIsWhole) parts.push(regexes.cat(regexes.range(first), byteRanges(regexes, lowRest, most)));
  const from = lowIsWhole ? first : first + 1;
  const to = highIsWhole ? last : last - 1;
  if (from <= to) parts.push(regexes.cat(regexes.range(from, to), byteRanges(regexes, least, most)));
  if (!highIsWhole) parts.push(regexes.cat(regexes.range(last), byteRanges(regexes, least, highRest)));
  return regexes.or(parts);
}

function encodeUtf8(code: number): number[] {
  return [...encoder.encode(String.fromCodePoint(code))];
}
