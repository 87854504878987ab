// Blocks of 32 values with one scale: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0.
//
// Byte j of qs holds value j in its low nibble and value j + 16 in its high one. d and m are f16; a product of an f16
// and a small integer is exact in f32, so only the sum with m rounds.
import {f16ToF32} from './half.ts';

/** d f16 @0, qs[16] @2. y = d · (q − 8) */
export function dequantizeQ4_0(block: DataView, out: Float32Array): void {
  const d = f16ToF32(block.getUint16(0, true));
  for (let n = 0; n < 32; n++) out[n] = d * (nibble(block, 2, n) - 8);
}

/** d f16 @0, m f16 @2, qs[16] @4. y = d · q + m */
export function dequantizeQ4_1(block: DataView, out: Float32Array): void {
  const d = f16ToF32(block.getUint16(0, true));
  const m = f16ToF32(block.getUint16(2, true));
  for (let n = 0; n < 32; n++) out[n] = d * nibble(block, 4, n) + m;
}

/** d f16 @0, qh u32 @2 (bit n is the fifth bit of value n), qs[16] @6. y = d · (q − 16) */
export function dequantizeQ5_0(block: DataView, out: Float32Array): void {
  const d = f16ToF32(block.getUint16(0, true));
  const qh = block.getUint32(2, true);
  for (let n = 0; n < 32; n++) out[n] = d * (fiveBits(block, 6, qh, n) - 16);
}

/** d f16 @0, m f16 @2, qh u32 @4, qs[16] @8. y = d · q + m */
export function dequantizeQ5_1(block: DataView, out: Float32Array): void {
  const d = f16ToF32(block.getUint16(0, true));
  const m = f16ToF32(block.getUint16(2, true));
  const qh = block.getUint32(4, true);
  for (let n = 0; n < 32; n++) out[n] = d * fiveBits(block, 8, qh, n) + m;
}

/** d f16 @0, q i8[32] @2. y = d · q */
export function dequantizeQ8_0(block: DataView, out: Float32Array): void {
  const d = f16ToF32(block.getUint16(0, true));
  for (let n = 0; n < 32; n++) out[n] = d * block.getInt8(2 + n);
}

/** Value n of a block of 32 nibbles that starts at byte `qs`. */
export function nibble(block: DataView, qs: number, n: number): number {
  const byte = block.getUint8(qs + (n & 15));
  return n < 16 ? byte & 15 : byte >> 4;
}

function fiveBits(block: DataView, qs: number, qh: number, n: number): number {
  return nibble(block, qs, n) | (((qh >>> n) & 1) << 4);
}
