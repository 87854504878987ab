// Q5_1 — 32 values in 24 bytes: d f16, m f16, qh u32, qs[16]; nibbles as in Q4_1, and bit n of qh is the fifth bit of
// value n; y = d · q + m.
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

#include "lib/bits.wgsl"
#include "lib/bytes.wgsl"
#include "lib/f16.wgsl"

alias WeightWord = u32;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let block = row + 6u * (chunk / 4u);
  let header = weight[block];
  let scales = f16_pair(header);
  let high = weight[block + 1u] >> (8u * (chunk % 4u));
  let qs = block + 2u + 2u * (chunk % 2u);
  let shift = 4u * (chunk / 2u % 2u);
  return array(
    scales.x * (nibbles(weight[qs], shift) + 16.0 * low_bits(high)) + scales.y,
    scales.x * (nibbles(weight[qs + 1u], shift) + 16.0 * low_bits(high >> 4u)) + scales.y,
  );
}
