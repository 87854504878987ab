// Q8_0 — 32 values in 34 bytes: d f16, q i8[32]; y = d · q.
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

#include "lib/bytes.wgsl"
#include "lib/f16.wgsl"
#include "lib/halves.wgsl"

alias WeightWord = u32;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let block = 2u * row + 17u * (chunk / 4u);
  let d = f16_to_f32(half_at(block));
  let q = words_at(block + 1u + 4u * (chunk % 4u));
  return array(d * signed_bytes(q.x), d * signed_bytes(q.y));
}
