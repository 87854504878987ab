// The block formats a second time, for the tests: written as runs of bytes that are consumed in order (as the format's
// encoders lay them out), where src/gguf/ asks for value n. Plain f64 arithmetic on exact values.

/** The value of an f16, by its definition. */
export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits & 0x7fff) >> 10;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
}

const half = (b: Uint8Array, at: number) => halfValue(b[at] + 256 * b[at + 1]);

/** Sixteen bytes as 32 codes: the low nibbles, then the high ones. */
const split16 = (qs: Uint8Array): number[] => [...Array.from(qs, (q) => q % 16), ...Array.from(qs, (q) => q >> 4)];

/** Whole numbers of `width` bits from a little-endian bit string. */
function bits(bytes: Uint8Array, width: number): number[] {
  const text = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0'))
    .reverse()
    .join('');
  return Array.from({length: text.length / width}, (_, i) =>
    Number.parseInt(text.slice(text.length - (i + 1) * width, text.length - i * width), 2),
  );
}

/** Bytes that carry the same column of several rows, `width` bits each, taken apart into rows, lowest bits first. */
function planes(bytes: Uint8Array, width: number): number[][] {
  const columns = Array.from(bytes, (byte) => bits(Uint8Array.of(byte), width));
  return columns[0].map((_, row) => columns.map((column) => column[row]));
}

const IQ4 = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/** A four-bit float: sign, two exponent bits (bias 1), one fraction bit; zero has no sign. */
function fp4(code: number): number {
  const exponent = (code >> 1) & 3;
  const fraction = (code & 1) / 2;
  const magnitude = exponent === 0 ? fraction : (1 + fraction) * 2 ** (exponent - 1);
  return code & 8 && magnitude > 0 ? -magnitude : magnitude;
}

/** Q4_K's and Q5_K's pairs: two 6-bit fields whose last four lie in pieces. */
function pairs(b: Uint8Array): {sc: number; mn: number}[] {
  const first = [0, 1, 2, 3].map((j) => ({sc: b[j] % 64, mn: b[j + 4] % 64}));
  const last = [0, 1, 2, 3].map((j) => ({
    sc: (b[j + 8] % 16) + 16 * (b[j] >> 6),
    mn: (b[j + 8] >> 4) + 16 * (b[j + 4] >> 6),
  }));
  return [...first, ...last];
}

/** Values of a block, in order, before the rounding to f32. */
export const BLOCK_FORMULAS: Record<string, (b: Uint8Array) => number[]> = {
  Q4_0: (b) => split16(b.subarray(2)).map((q) => half(b, 0) * (q - 8)),
  Q4_1: (b) => split16(b.subarray(4)).map((q) => half(b, 0) * q + half(b, 2)),
  Q5_0(b) {
    const fifth = bits(b.subarray(2, 6), 1);
    return split16(b.subarray(6)).map((q, n) => half(b, 0) * (q + 16 * fifth[n] - 16));
  },
  Q5_1(b) {
    const fifth = bits(b.subarray(4, 8), 1);
    return split16(b.subarray(8)).map((q, n) => half(b, 0) * (q + 16 * fifth[n]) + half(b, 2));
  },
  Q8_0: (b) => Array.from(b.subarray(2), (q) => half(b, 0) * (q < 128 ? q : q - 256)),
  Q2_K(b) {
    const codes = [...planes(b.subarray(16, 48), 2), ...planes(b.subarray(48, 80), 2)].flat();
    return codes.map((q, n) => {
      const scale = b[Math.floor(n / 16)];
      return half(b, 80) * (scale % 16) * q - half(b, 82) * (scale >> 4);
    });
  },
  Q3_K(b) {
    const low = [...planes(b.subarray(32, 64), 2), ...planes(b.subarray(64, 96), 2)].flat();
    const high = planes(b.subarray(0, 32), 1).flat();
    const low4 = split16(b.subarray(96, 104));
    const high2 = planes(b.subarray(104, 108), 2).flat();
    return low.map((q, n) => {
      const i = Math.floor(n / 16);
      return half(b, 108) * (low4[i] + 16 * high2[i] - 32) * (q + 4 * high[n] - 4);
    });
  },
  Q4_K(b) {
    const codes = [16, 48, 80, 112].flatMap((at) => planes(b.subarray(at, at + 32), 4).flat());
    const scales = pairs(b.subarray(4, 16));
    return codes.map((q, n) => {
      const {sc, mn} = scales[Math.floor(n / 32)];
      return half(b, 0) * sc * q - half(b, 2) * mn;
    });
  },
  Q5_K(b) {
    const low = [48, 80, 112, 144].flatMap((at) => planes(b.subarray(at, at + 32), 4).flat());
    const high = planes(b.subarray(16, 48), 1).flat();
    const scales = pairs(b.subarray(4, 16));
    return low.map((q, n) => {
      const {sc, mn} = scales[Math.floor(n / 32)];
      return half(b, 0) * sc * (q + 16 * high[n]) - half(b, 2) * mn;
    });
  },
  Q6_K(b) {
    const low = [0, 64].flatMap((at) => planes(b.subarray(at, at + 64), 4).flat());
    const high = [128, 160].flatMap((at) => planes(b.subarray(at, at + 32), 2).flat());
    const scales = new Int8Array(b.slice(192, 208).buffer);
    return low.map((q, n) => half(b, 208) * scales[Math.floor(n / 16)] * (q + 16 * high[n] - 32));
  },
  IQ4_NL: (b) => split16(b.subarray(2)).map((q) => half(b, 0) * IQ4[q]),
  IQ4_XS(b) {
    const low = bits(b.subarray(4, 8), 4);
    const high = bits(b.subarray(2, 4), 2);
    return low.flatMap((scale, ib) =>
      split16(b.subarray(8 + 16 * ib, 24 + 16 * ib)).map((q) => half(b, 0) * (scale + 16 * high[ib] - 32) * IQ4[q]),
    );
  },
  MXFP4: (b) => split16(b.subarray(1)).map((q) => 2 ** (b[0] - 127) * fp4(q)),
};
