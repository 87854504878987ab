// A string array kept as bytes: a vocabulary has 262,144 tokens and 514,906 merges, too many for JS strings.

const decoder = new TextDecoder('utf-8', {ignoreBOM: true});

/**
 * An array of byte strings laid end to end: string i is `bytes[offsets[i] … offsets[i + 1])`.
 * The bytes are as they stood in the file and need not be valid UTF-8 (a byte token is not).
 */
export class PackedStrings {
  readonly length: number;
  readonly bytes: Uint8Array;
  /** `length + 1` byte positions, ascending. */
  readonly offsets: Uint32Array;

  constructor(bytes: Uint8Array, offsets: Uint32Array) {
    this.length = offsets.length - 1;
    this.bytes = bytes;
    this.offsets = offsets;
  }

  /** String i, decoded; bytes that are no UTF-8 become U+FFFD. */
  get(i: number): string {
    return decoder.decode(this.bytesOf(i));
  }

  /** The bytes of string i: a view, not a copy. */
  bytesOf(i: number): Uint8Array {
    if (!(i >= 0 && i < this.length)) throw new RangeError(`string ${i} of ${this.length}`);
    return this.bytes.subarray(this.offsets[i], this.offsets[i + 1]);
  }

  static from(strings: readonly string[]): PackedStrings {
    const encoded = strings.map((text) => new TextEncoder().encode(text));
    const offsets = new Uint32Array(encoded.length + 1);
    encoded.forEach((text, i) => {
      offsets[i + 1] = offsets[i] + text.length;
    });
    const bytes = new Uint8Array(offsets[encoded.length]);
    encoded.forEach((text, i) => {
      bytes.set(text, offsets[i]);
    });
    return new PackedStrings(bytes, offsets);
  }
}
