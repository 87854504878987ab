// Types whose four-bit codes index a table of values: IQ4_NL, IQ4_XS, MXFP4.
import {nibble} from './dequantize-basic.ts';
import {f16ToF32} from './half.ts';

const IQ4_VALUES = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

// Twice the values of a four-bit float (sign, two exponent bits, one fraction bit): integers, without a negative zero.
const MXFP4_VALUES = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/** d f16 @0, qs[16] @2. y = d · T[q] */
export function dequantizeIQ4NL(block: DataView, out: Float32Array): void {
  const d = f16ToF32(block.getUint16(0, true));
  for (let n = 0; n < 32; n++) out[n] = d * IQ4_VALUES[nibble(block, 2, n)];
}

/**
 * d f16 @0, scales_h u16 @2 (high two bits), scales_l[4] @4 (low four), qs[128] @8.
 * 8 sub-blocks of 32. y = d · (sc − 32) · T[q]
 */
export function dequantizeIQ4XS(block: DataView, out: Float32Array): void {
  const d = f16ToF32(block.getUint16(0, true));
  const scalesHigh = block.getUint16(2, true);
  for (let ib = 0; ib < 8; ib++) {
    const low = (block.getUint8(4 + (ib >> 1)) >> (4 * (ib & 1))) & 15;
    const high = (scalesHigh >> (2 * ib)) & 3;
    const scale = Math.fround(d * ((low | (high << 4)) - 32));
    for (let n = 0; n < 32; n++) out[32 * ib + n] = scale * IQ4_VALUES[nibble(block, 8 + 16 * ib, n)];
  }
}

/** e u8 @0 (a power of two), qs[16] @1. y = 2^(e − 128) · M[q]; e = 0 and 1 give f32 subnormals. */
export function dequantizeMXFP4(block: DataView, out: Float32Array): void {
  const scale = 2 ** (block.getUint8(0) - 128);
  for (let n = 0; n < 32; n++) out[n] = scale * MXFP4_VALUES[nibble(block, 1, n)];
}
