// Blocks whose size is no multiple of 4 bytes begin on 2-byte boundaries. Here an address counts 16-bit halves from
// the start of `weight: array<u32>`.
fn half_at(address: u32) -> u32 {
  return (weight[address / 2u] >> (16u * (address % 2u))) & 0xffffu;
}

// 8 bytes as two words. The third word read may lie behind the buffer when the address is even; it is then not used.
fn words_at(address: u32) -> vec2u {
  let i = address / 2u;
  let first = weight[i];
  let second = weight[i + 1u];
  let third = weight[i + 2u];
  let joined = vec2u((first >> 16u) | (second << 16u), (second >> 16u) | (third << 16u));
  return select(vec2u(first, second), joined, address % 2u == 1u);
}
