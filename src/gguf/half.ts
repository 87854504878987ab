// IEEE half precision and bfloat16 as f32: exact, subnormals, infinities and NaN included.

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);
const SMALLEST_HALF = 1 / 2 ** 24; // the step between f16 subnormals

/** The value of 16 bits read as an f16. */
export function f16ToF32(bits: number): number {
  word[0] = f16ToF32Bits(bits);
  return float[0];
}

/** The f32 bit pattern of the same value. */
export function f16ToF32Bits(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) {
    float[0] = fraction * SMALLEST_HALF; // a normal number in f32
    return (sign | word[0]) >>> 0;
  }
  // f16's exponent is biased by 15, f32's by 127; all ones stand for infinity and NaN in both.
  const widened = exponent === 31 ? 255 : exponent + 112;
  return (sign | (widened << 23) | (fraction << 13)) >>> 0;
}
