// IEEE half precision by integer arithmetic: unpack2x16float may flush subnormals, and scales of quantized blocks
// often are. Infinity and NaN become large finite numbers: no weight is either.
fn f16_to_f32(bits: vec4u) -> vec4f {
  let sign = (bits & vec4u(0x8000u)) << vec4u(16u);
  let exponent = (bits >> vec4u(10u)) & vec4u(31u);
  let fraction = bits & vec4u(1023u);
  let normal = ((exponent + 112u) << vec4u(23u)) | (fraction << vec4u(13u));
  let subnormal = bitcast<vec4u>(vec4f(fraction) * 5.9604644775390625e-8); // 2⁻²⁴, exact: a normal f32
  return bitcast<vec4f>(sign | select(normal, subnormal, exponent == vec4u(0u)));
}
