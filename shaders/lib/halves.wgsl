// Blocks whose size is no multiple of 4 bytes begin on 2-byte boundaries. Here an address counts 16-bit halves from
// the start of `weight: array<u32>`.
fn half_at(address: u32) -> u32 {
  return (weight[address / 2u] >> (16u * (address % 2u))) & 0xffffu;
}

// 32 bytes. On an odd address each word is made of two, so nine are read.
fn eight_words_at(address: u32) -> array<u32, 8> {
  let i = address / 2u;
  if (address % 2u == 0u) {
    return array(weight[i], weight[i + 1u], weight[i + 2u], weight[i + 3u],
                 weight[i + 4u], weight[i + 5u], weight[i + 6u], weight[i + 7u]);
  }
  let a = array(weight[i], weight[i + 1u], weight[i + 2u], weight[i + 3u], weight[i + 4u],
                weight[i + 5u], weight[i + 6u], weight[i + 7u], weight[i + 8u]);
  return array(join(a[0], a[1]), join(a[1], a[2]), join(a[2], a[3]), join(a[3], a[4]),
               join(a[4], a[5]), join(a[5], a[6]), join(a[6], a[7]), join(a[7], a[8]));
}

// 16 bytes.
fn four_words_at(address: u32) -> array<u32, 4> {
  let i = address / 2u;
  if (address % 2u == 0u) {
    return array(weight[i], weight[i + 1u], weight[i + 2u], weight[i + 3u]);
  }
  let a = array(weight[i], weight[i + 1u], weight[i + 2u], weight[i + 3u], weight[i + 4u]);
  return array(join(a[0], a[1]), join(a[1], a[2]), join(a[2], a[3]), join(a[3], a[4]));
}

fn join(low: u32, high: u32) -> u32 {
  return (low >> 16u) | (high << 16u);
}
