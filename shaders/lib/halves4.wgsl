// IEEE half precision, the lower 16 bits of four words at a time, by integer arithmetic: unpack2x16float may flush
// subnormals, and scales of quantized blocks often are. Infinity and NaN become large finite numbers: no weight is either.
fn halves_to_f32(words: vec4u) -> vec4f {
  let magnitude = (words & vec4u(0x7fffu)) << vec4u(13u);
  let normal = bitcast<vec4f>(magnitude + vec4u(0x38000000u)); // the exponent's bias: 112 · 2²³
  // Without the implicit one: 2⁻¹⁴ · f out of 2⁻¹⁵ · (1 + f).
  let subnormal = 2.0 * normal - 6.103515625e-5;
  let value = select(normal, subnormal, magnitude < vec4u(0x800000u));
  return bitcast<vec4f>(bitcast<vec4u>(value) | ((words & vec4u(0x8000u)) << vec4u(16u)));
}

// Half number i of a row of halves, of four rows; `words` is the word that holds it.
fn half_of(words: vec4u, i: u32) -> vec4f {
  return halves_to_f32(words >> vec4u(16u * (i % 2u)));
}
