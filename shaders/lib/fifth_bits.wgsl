// The four lowest bits of a word, each as the fifth bit (16) of a byte.
fn fifth_bits(words: vec4u) -> vec4u {
  // Copies of the bits 7 apart: bit i ends up at 8 · i.
  return (((words & vec4u(15u)) * 0x00204081u) & vec4u(0x01010101u)) << vec4u(4u);
}
