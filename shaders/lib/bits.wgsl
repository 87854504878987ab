// The four lowest bits of a word, one a value: 0 or 1.
fn low_bits(word: u32) -> vec4f {
  return vec4f((vec4u(word) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(1u));
}
