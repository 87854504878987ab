// K-quants: super-blocks of 256 values whose sub-blocks have small integer scales under an f16 scale d (and dmin):
// Q2_K, Q3_K, Q4_K, Q5_K, Q6_K.
//
// d · sc is rounded to f32 before it meets q, and so is dmin · mn: that is the order the format's other readers use.
import {f16ToF32} from './half.ts';

const {fround} = Math;

/**
 * scales[16] @0 (low nibble scale, high nibble min), qs[64] @16 (2 bits), d f16 @80, dmin f16 @82.
 * 16 sub-blocks of 16. y = d · sc · q − dmin · mn
 */
export function dequantizeQ2K(block: DataView, out: Float32Array): void {
  const d = f16ToF32(block.getUint16(80, true));
  const dmin = f16ToF32(block.getUint16(82, true));
  for (let n = 0; n < 256; n++) {
    const scale = block.getUint8(n >> 4);
    const q = twoBits(block, 16, n);
    out[n] = fround(fround(d * (scale & 15)) * q) - fround(dmin * (scale >> 4));
  }
}

/**
 * hmask[32] @0 (third bits), qs[64] @32 (2 bits), scales[12] @96 (sixteen of 6 bits), d f16 @108.
 * 16 sub-blocks of 16. y = d · (sc − 32) · (q − 4), q of 3 bits
 */
export function dequantizeQ3K(block: DataView, out: Float32Array): void {
  const d = f16ToF32(block.getUint16(108, true));
  for (let n = 0; n < 256; n++) {
    const high = (block.getUint8(n & 31) >> (n >> 5)) & 1;
    const q = twoBits(block, 32, n) | (high << 2);
    out[n] = fround(d * (q3Scale(block, n >> 4) - 32)) * (q - 4);
  }
}

/** Scale i of Q3_K's sixteen: low four bits in two nibbles a byte of the first eight, high two in the last four. */
function q3Scale(block: DataView, i: number): number {
  const low = block.getUint8(96 + (i & 7)) >> (i < 8 ? 0 : 4);
  const high = block.getUint8(104 + (i & 3)) >> (2 * (i >> 2));
  return (low & 15) | ((high & 3) << 4);
}

/**
 * d f16 @0, dmin f16 @2, scales[12] @4 (eight pairs of 6 bits), qs[128] @16.
 * 8 sub-blocks of 32. y = d · sc · q − dmin · mn
 */
export function dequantizeQ4K(block: DataView, out: Float32Array): void {
  pairedScales(block, out, (n) => nibbleOf64(block, 16, n));
}

/** As Q4_K, with qh[32] @16 (the fifth bits: bit n / 32 of byte n mod 32) and qs[128] @48. */
export function dequantizeQ5K(block: DataView, out: Float32Array): void {
  pairedScales(block, out, (n) => {
    const high = (block.getUint8(16 + (n & 31)) >> (n >> 5)) & 1;
    return nibbleOf64(block, 48, n) | (high << 4);
  });
}

function pairedScales(block: DataView, out: Float32Array, quant: (n: number) => number): void {
  const d = f16ToF32(block.getUint16(0, true));
  const dmin = f16ToF32(block.getUint16(2, true));
  for (let j = 0; j < 8; j++) {
    const [sc, mn] = scaleAndMin(block, j);
    const scale = fround(d * sc);
    const min = fround(dmin * mn);
    for (let n = 32 * j; n < 32 * (j + 1); n++) out[n] = fround(scale * quant(n)) - min;
  }
}

/** Pair j: the first four have six bits to themselves, the last four nibbles and the top bits the first left over. */
function scaleAndMin(block: DataView, j: number): [number, number] {
  const b = (i: number) => block.getUint8(4 + i);
  if (j < 4) return [b(j) & 63, b(j + 4) & 63];
  return [(b(j + 4) & 15) | ((b(j - 4) >> 6) << 4), (b(j + 4) >> 4) | ((b(j) >> 6) << 4)];
}

/**
 * ql[128] @0 (low four bits), qh[64] @128 (high two), scales i8[16] @192, d f16 @208.
 * 16 sub-blocks of 16. y = d · sc · (q − 32)
 */
export function dequantizeQ6K(block: DataView, out: Float32Array): void {
  const d = f16ToF32(block.getUint16(208, true));
  for (let n = 0; n < 256; n++) {
    const half = n >> 7;
    const quarter = (n >> 5) & 3; // of the 128 values of this half
    const byte = block.getUint8(64 * half + 32 * (quarter & 1) + (n & 31));
    const low = quarter < 2 ? byte & 15 : byte >> 4;
    const high = (block.getUint8(128 + 32 * half + (n & 31)) >> (2 * quarter)) & 3;
    out[n] = fround(d * block.getInt8(192 + (n >> 4))) * ((low | (high << 4)) - 32);
  }
}

/** Value n of Q2_K and Q3_K: each half of 128 values has 32 bytes, each byte four values that are 32 apart. */
function twoBits(block: DataView, qs: number, n: number): number {
  return (block.getUint8(qs + 32 * (n >> 7) + (n & 31)) >> (2 * ((n >> 5) & 3))) & 3;
}

/** Value n of Q4_K and Q5_K: 64 values have 32 bytes, the first 32 in the low nibbles. */
function nibbleOf64(block: DataView, qs: number, n: number): number {
  const byte = block.getUint8(qs + 32 * (n >> 6) + (n & 31));
  return n & 32 ? byte >> 4 : byte & 15;
}
