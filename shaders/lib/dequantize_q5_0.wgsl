// Q5_0 — 32 values in 22 bytes: d f16, qh u32, qs[16]; nibbles as in Q4_0, and bit n of qh is the fifth bit of value n;
// y = d · (q − 16).
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

#include "lib/bits.wgsl"
#include "lib/bytes.wgsl"
#include "lib/f16.wgsl"
#include "lib/halves.wgsl"

alias WeightWord = u32;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let block = 2u * row + 11u * (chunk / 4u);
  let d = f16_to_f32(half_at(block));
  // 8 bits for this chunk: they lie in one half.
  let high = half_at(block + 1u + chunk / 2u % 2u) >> (8u * (chunk % 2u));
  let low = words_at(block + 3u + 4u * (chunk % 2u));
  let shift = 4u * (chunk / 2u % 2u);
  return array(
    d * (nibbles(low.x, shift) + 16.0 * low_bits(high) - 16.0),
    d * (nibbles(low.y, shift) + 16.0 * low_bits(high >> 4u) - 16.0),
  );
}
