// Q3_K — 256 values in 110 bytes: hmask[32], qs[64], scales[12], d f16. The lower two bits lie as in Q2_K; bit g of byte l
// of hmask is the third bit of value l of group g (0…7) of 32. Sixteen scales of 6 bits, one for 16 values: their low
// nibbles in bytes 0…7, their upper two bits in bytes 8…11. y = d · (scale − 32) · (q − 4).
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

#include "lib/bytes.wgsl"
#include "lib/f16.wgsl"
#include "lib/halves.wgsl"

alias WeightWord = u32;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let block = 2u * row + 55u * (chunk / 32u);
  let within = chunk % 32u;
  let group = within / 4u;
  let c = chunk % 4u; // 8 of the group's 32 values
  let i = within / 2u;
  let scale_low = (half_at(block + 48u + i % 8u / 2u) >> (8u * (i % 2u) + 4u * (i / 8u))) & 15u;
  let scale_high = (half_at(block + 52u + i % 4u / 2u) >> (8u * (i % 2u) + 2u * (i / 4u))) & 3u;
  let d = f16_to_f32(half_at(block + 54u)) * (f32(scale_low | (scale_high << 4u)) - 32.0);
  let low = words_at(block + 16u + 16u * (group / 4u) + 4u * c) >> vec2u(2u * (group % 4u));
  let high = words_at(block + 4u * c) >> vec2u(group);
  let q = (low & vec2u(0x03030303u)) | ((high & vec2u(0x01010101u)) << vec2u(2u));
  return array(d * (unsigned_bytes(q.x) - 4.0), d * (unsigned_bytes(q.y) - 4.0));
}
