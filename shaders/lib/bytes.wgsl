// The four bytes of a word, lowest first.
fn unsigned_bytes(word: u32) -> vec4f {
  return vec4f((vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u));
}

fn signed_bytes(word: u32) -> vec4f {
  return vec4f(bitcast<vec4i>(vec4u(word) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
}

// The four low, or with shift 4 the four high, nibbles.
fn nibbles(word: u32, shift: u32) -> vec4f {
  return unsigned_bytes((word >> shift) & 0x0f0f0f0fu);
}
