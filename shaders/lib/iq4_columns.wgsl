// The sixteen values that a nibble of IQ4_NL and IQ4_XS stands for: those of the low nibbles of four bytes, of four rows.
fn iq4_columns(words: vec4u) -> mat4x4f {
  return mat4x4f(
    iq4_values(words),
    iq4_values(words >> vec4u(8u)),
    iq4_values(words >> vec4u(16u)),
    iq4_values(words >> vec4u(24u)),
  );
}

// Picked out of four words, because an array that is indexed at run time is in slow memory on many GPUs.
fn iq4_values(codes: vec4u) -> vec4f {
  let q = codes & vec4u(15u);
  // −127 −104 −83 −65 | −49 −35 −22 −10 | 1 13 25 38 | 53 69 89 113, as bytes, lowest first
  let negative = select(vec4u(0xbfad9881u), vec4u(0xf6eaddcfu), (q & vec4u(4u)) != vec4u());
  let positive = select(vec4u(0x26190d01u), vec4u(0x71594535u), (q & vec4u(4u)) != vec4u());
  let word = select(negative, positive, (q & vec4u(8u)) != vec4u());
  return vec4f(bitcast<vec4i>(word << (vec4u(24u) - 8u * (q & vec4u(3u)))) >> vec4u(24u));
}
