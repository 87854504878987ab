// Q6_K — 256 values in 210 bytes: ql[128], qh[64], scales i8[16], d f16. A half of 128 values has 64 bytes of
// ql and 32 of qh. Group k (0…3) of a half takes nibble k / 2 of bytes 32·(k % 2) … of ql, bits 2k of qh, and two
// scales, one for 16 values. y = d · scale · (q − 32).
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

#include "lib/bytes.wgsl"
#include "lib/f16.wgsl"
#include "lib/halves.wgsl"

alias WeightWord = u32;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let block = 2u * row + 105u * (chunk / 32u);
  let upper = chunk / 16u % 2u;
  let k = chunk / 4u % 4u;
  let c = chunk % 4u; // 8 of the group's 32 values
  let low = words_at(block + 32u * upper + 16u * (k % 2u) + 4u * c) >> vec2u(4u * (k / 2u));
  let high = words_at(block + 64u + 16u * upper + 4u * c) >> vec2u(2u * k);
  let q = (low & vec2u(0x0f0f0f0fu)) | ((high & vec2u(0x03030303u)) << vec2u(4u));
  let scales = half_at(block + 96u + 4u * upper + k) >> (8u * (c / 2u));
  let d = f16_to_f32(half_at(block + 104u)) * f32(extractBits(bitcast<i32>(scales), 0u, 8u));
  return array(d * (unsigned_bytes(q.x) - 32.0), d * (unsigned_bytes(q.y) - 32.0));
}
