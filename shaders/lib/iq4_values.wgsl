// The sixteen values that a nibble of IQ4_NL and IQ4_XS stands for, four at a time, a nibble in each byte of `codes`.
// Picked out of four words, because an array that is indexed at run time lies in slow memory on many GPUs.
fn iq4_values(codes: u32) -> vec4f {
  let q = (vec4u(codes) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(15u);
  // −127 −104 −83 −65 | −49 −35 −22 −10 | 1 13 25 38 | 53 69 89 113, as bytes, lowest first
  let negative = select(vec4u(0xbfad9881u), vec4u(0xf6eaddcfu), (q & vec4u(4u)) != vec4u());
  let positive = select(vec4u(0x26190d01u), vec4u(0x71594535u), (q & vec4u(4u)) != vec4u());
  let word = select(negative, positive, (q & vec4u(8u)) != vec4u());
  return vec4f(bitcast<vec4i>(word << (vec4u(24u) - 8u * (q & vec4u(3u)))) >> vec4u(24u));
}
