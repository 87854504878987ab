// Random numbers as in src/engine/sampling/random.ts: Philox2x32-10 (Salmon et al., 2011).
fn multiply_high(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let cross = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let carry = (a & 0xffffu) * (b >> 16u) + (cross & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (cross >> 16u) + (carry >> 16u);
}

// The high word of number `counter` of stream `seed`: the upper 32 of its bits.
fn philox_high(counter: u32, seed: vec2u) -> u32 {
  var low = counter;
  var high = seed.y;
  var key = seed.x;
  for (var round = 0u; round < 10u; round++) {
    let next = multiply_high(low, 0xd256d193u) ^ key ^ high;
    high = low * 0xd256d193u;
    low = next;
    key += 0x9e3779b9u;
  }
  return high;
}
