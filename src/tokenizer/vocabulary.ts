// The token table: text and type of every id, and the id of a text. Bytes stay packed as the file has them; a table of
// integers finds them, because 262,144 JS strings in a Map would cost more memory than the rest of the tokenizer.
// Knows no algorithm and no GGUF key.
import {GemmaError} from '../errors.ts';
import type {PackedStrings} from '../gguf/metadata.ts';
import type {NeighbourFilter} from './neighbour-filter.ts';
import {PIECE, type Pieces} from './pieces.ts';
import {MAX_PROBES, refuseCollisions} from './probe-limit.ts';
import type {TokenType} from './tokenizer.ts';
import {onlyCodePoint} from './utf8.ts';

export const NO_TOKEN = -1;

/** Gemma's longest has 93. Encoding compares whole tokens, so that a hostile file's long ones would make it slow. */
const MAX_TOKEN_BYTES = 2048;

/** GGUF's `tokenizer.ggml.token_type`: index 1 to 6. Index 0 (undefined) is read as normal. */
const TYPE_NAMES: readonly TokenType[] = ['normal', 'normal', 'unknown', 'control', 'user', 'unused', 'byte'];

const encoder = new TextEncoder();

/** The tokens of a model, by id and by text. */
export class Vocabulary {
  readonly size: number;
  #maxBytes = 0;
  readonly #tokens: PackedStrings;
  readonly #types: Uint8Array;
  /** Open addressing over `hashBytes`; a power of two, at most half full. */
  readonly #table: Int32Array;
  /** Ids of single code points below U+10000, and of the others. */
  readonly #bmp = new Int32Array(0x10000).fill(NO_TOKEN);
  readonly #astral = new Map<number, number>();
  readonly #byteIds = new Int32Array(256).fill(NO_TOKEN);

  /** @param types GGUF's token types, one a token, or null where the file has none. */
  static *build(tokens: PackedStrings, types: ArrayLike<number> | null): Pieces<Vocabulary> {
    const vocabulary = new Vocabulary(tokens);
    for (let id = 0; id < tokens.length; id += PIECE) {
      vocabulary.#add(types, id, Math.min(id + PIECE, tokens.length));
      yield;
    }
    return vocabulary;
  }

  private constructor(tokens: PackedStrings) {
    this.size = tokens.length;
    this.#tokens = tokens;
    this.#types = new Uint8Array(this.size).fill(1);
    let capacity = 16;
    while (capacity < this.size * 2) capacity *= 2;
    this.#table = new Int32Array(capacity).fill(NO_TOKEN);
  }

  /** Bytes of the longest token. */
  get maxBytes(): number {
    return this.#maxBytes;
  }

  #add(types: ArrayLike<number> | null, from: number, to: number): void {
    const {bytes, offsets} = this.#tokens;
    let maxBytes = this.#maxBytes;
    for (let id = from; id < to; id++) {
      const start = offsets[id];
      const end = offsets[id + 1];
      maxBytes = Math.max(maxBytes, end - start);
      if (maxBytes > MAX_TOKEN_BYTES) {
        throw new GemmaError(
          'tokenizer-invalid',
          `token ${id} has ${maxBytes} bytes; at most ${MAX_TOKEN_BYTES} are supported. The file is damaged: get another`,
          {detail: {id, bytes: maxBytes}},
        );
      }
      const byte = byteOfText(bytes, start, end);
      // Old files type byte tokens as normal, so their text decides.
      const type = byte >= 0 ? 6 : (types?.[id] ?? 1);
      if (!(type in TYPE_NAMES)) {
        throw new GemmaError('tokenizer-invalid', `token ${id} has type ${type}; GGUF knows types 1 to 6`, {
          detail: {id, type},
        });
      }
      this.#types[id] = type;
      if (byte >= 0 && this.#byteIds[byte] === NO_TOKEN) this.#byteIds[byte] = id;
      this.#insert(id, start, end);
      const codePoint = onlyCodePoint(bytes, start, end);
      if (codePoint < 0 || this.isMarkup(id)) continue;
      if (codePoint > 0xffff) {
        if (!this.#astral.has(codePoint)) this.#astral.set(codePoint, id);
      } else if (this.#bmp[codePoint] === NO_TOKEN) {
        this.#bmp[codePoint] = id;
      }
    }
    this.#maxBytes = maxBytes;
  }

  type(id: number): TokenType {
    return TYPE_NAMES[this.#types[id]];
  }

  /** Control and unknown tokens: plain text never becomes one. */
  isMarkup(id: number): boolean {
    const type = this.#types[id];
    return type === 2 || type === 3;
  }

  /** Types a token as control whatever the file says. */
  markControl(id: number): void {
    this.#types[id] = 3;
  }

  isByte(id: number): boolean {
    return this.#types[id] === 6;
  }

  text(id: number): string {
    return this.#tokens.get(id);
  }

  /** The token's bytes as stored: a view. */
  bytes(id: number): Uint8Array {
    return this.#tokens.bytesOf(id);
  }

  /** Tells which characters stand beside each other in a token that text can become. */
  addNeighbours(id: number, neighbours: NeighbourFilter): void {
    const {bytes, offsets} = this.#tokens;
    if (!this.isMarkup(id)) neighbours.addWithin(bytes, offsets[id], offsets[id + 1]);
  }

  byteLength(id: number): number {
    return this.#tokens.offsets[id + 1] - this.#tokens.offsets[id];
  }

  /** The id of the token that stands for one byte (`<0x41>`), or NO_TOKEN. */
  byteId(byte: number): number {
    return this.#byteIds[byte];
  }

  /** The byte that a byte token stands for. */
  byteValue(id: number): number {
    const start = this.#tokens.offsets[id];
    return byteOfText(this.#tokens.bytes, start, this.#tokens.offsets[id + 1]);
  }

  /** The id of the token that is this one code point, or NO_TOKEN. */
  idOfCodePoint(codePoint: number): number {
    return codePoint > 0xffff ? (this.#astral.get(codePoint) ?? NO_TOKEN) : this.#bmp[codePoint];
  }

  idOfText(text: string): number {
    const bytes = encoder.encode(text);
    return this.idOfBytes(bytes, 0, bytes.length);
  }

  /** The id of the token with exactly these bytes, or NO_TOKEN. The lowest one where a file has it twice. */
  idOfBytes(bytes: Uint8Array, start: number, end: number): number {
    if (end - start > this.#maxBytes) return NO_TOKEN;
    return this.#find(hashBytes(bytes, start, end), bytes, start, end);
  }

  #find(hash: number, bytes: Uint8Array, start: number, end: number): number {
    return this.#table[this.#slotOf(hash, bytes, start, end)];
  }

  /** Where a token with these bytes stands, or the free place where it would. */
  #slotOf(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const mask = this.#table.length - 1;
    const {bytes: stored, offsets} = this.#tokens;
    const length = end - start;
    let slot = hash & mask;
    for (let probes = 0; this.#table[slot] !== NO_TOKEN; slot = (slot + 1) & mask) {
      if (++probes > MAX_PROBES) refuseCollisions('tokenizer.ggml.tokens');
      const id = this.#table[slot];
      const from = offsets[id];
      if (offsets[id + 1] - from !== length) continue;
      let i = 0;
      while (i < length && stored[from + i] === bytes[start + i]) i++;
      if (i === length) break;
    }
    return slot;
  }

  #insert(id: number, start: number, end: number): void {
    if (start === end) return; // an empty token can only be reached by its id
    const {bytes} = this.#tokens;
    const slot = this.#slotOf(hashBytes(bytes, start, end), bytes, start, end);
    if (this.#table[slot] === NO_TOKEN) this.#table[slot] = id;
  }
}

/** FNV-1a, then murmur's last mix so that the low bits depend on every byte. */
function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** The value of `<0xXX>`, or -1 for any other text. */
function byteOfText(bytes: Uint8Array, start: number, end: number): number {
  const isHex = end - start === 6 && bytes[start] === 0x3c && bytes[start + 1] === 0x30 && bytes[start + 2] === 0x78;
  if (!isHex || bytes[start + 5] !== 0x3e) return -1;
  const high = hexDigit(bytes[start + 3]);
  const low = hexDigit(bytes[start + 4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/** Upper case only, as converters write it. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  return byte >= 0x41 && byte <= 0x46 ? byte - 0x41 + 10 : -1;
}
