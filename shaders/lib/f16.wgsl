// IEEE half precision by integer arithmetic: unpack2x16float may flush subnormals, and scales of quantized blocks
// often are. Infinity and NaN become large finite numbers: no weight is either.
fn f16_to_f32(bits: u32) -> f32 {
  let sign = (bits & 0x8000u) << 16u;
  let exponent = (bits >> 10u) & 31u;
  let fraction = bits & 1023u;
  let normal = ((exponent + 112u) << 23u) | (fraction << 13u);
  let subnormal = bitcast<u32>(f32(fraction) * 5.9604644775390625e-8); // 2⁻²⁴, exact: a normal f32
  return bitcast<f32>(sign | select(normal, subnormal, exponent == 0u));
}

// The two halves of a word, the low one first.
fn f16_pair(word: u32) -> vec2f {
  return vec2f(f16_to_f32(word & 0xffffu), f16_to_f32(word >> 16u));
}
