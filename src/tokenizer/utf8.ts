// UTF-8 and UTF-16, a code point at a time, without making strings.

/** The code point that starts at `start`; of broken UTF-8, some number. */
export function firstCodePoint(bytes: Uint8Array, start: number): number {
  const lead = bytes[start];
  const length = codePointLength(lead);
  if (length === 1) return lead;
  let value = lead & (0xff >> (length + 1));
  for (let i = start + 1; i < start + length && i < bytes.length; i++) value = (value << 6) | (bytes[i] & 0x3f);
  return value;
}

/** The code point that ends before `end`. */
export function lastCodePoint(bytes: Uint8Array, end: number): number {
  let start = end - 1;
  while (start > 0 && bytes[start] >> 6 === 2) start--;
  return firstCodePoint(bytes, start);
}

/** Bytes of the sequence that a lead byte opens; 1 for a stray continuation byte. */
export function codePointLength(lead: number): number {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/** The code point that the bytes are, if they are exactly one; else -1. */
export function onlyCodePoint(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < 1 || length > 4 || codePointLength(bytes[start]) !== length) return -1;
  if (length === 1 && bytes[start] >= 0x80) return -1;
  for (let i = start + 1; i < end; i++) if (bytes[i] >> 6 !== 2) return -1;
  const value = firstCodePoint(bytes, start);
  return value > 0x10ffff ? -1 : value;
}

/** As String.codePointAt, with U+FFFD for a lone surrogate. */
export function codePointAt(text: string, i: number): number {
  const unit = text.charCodeAt(i);
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  if (unit < 0xdc00 && i + 1 < text.length) {
    const low = text.charCodeAt(i + 1);
    if (low >= 0xdc00 && low <= 0xdfff) return ((unit - 0xd800) << 10) + (low - 0xdc00) + 0x10000;
  }
  return 0xfffd;
}

/** Writes a code point's bytes at `at` and returns the position after them. */
export function writeCodePoint(codePoint: number, bytes: Uint8Array, at: number): number {
  if (codePoint < 0x80) {
    bytes[at] = codePoint;
    return at + 1;
  }
  if (codePoint < 0x800) {
    bytes[at++] = 0xc0 | (codePoint >> 6);
  } else {
    if (codePoint < 0x10000) {
      bytes[at++] = 0xe0 | (codePoint >> 12);
    } else {
      bytes[at++] = 0xf0 | (codePoint >> 18);
      bytes[at++] = 0x80 | ((codePoint >> 12) & 0x3f);
    }
    bytes[at++] = 0x80 | ((codePoint >> 6) & 0x3f);
  }
  bytes[at++] = 0x80 | (codePoint & 0x3f);
  return at;
}
