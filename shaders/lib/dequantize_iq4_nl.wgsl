// IQ4_NL — 32 values in 18 bytes: d f16, qs[16]; nibbles as in Q4_0, y = d · T[q] with the table of iq4_values.wgsl.
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

#include "lib/f16.wgsl"
#include "lib/halves.wgsl"
#include "lib/iq4_values.wgsl"

alias WeightWord = u32;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let block = 2u * row + 9u * (chunk / 4u);
  let d = f16_to_f32(half_at(block));
  let q = words_at(block + 1u + 4u * (chunk % 2u)) >> vec2u(4u * (chunk / 2u % 2u));
  return array(d * iq4_values(q.x), d * iq4_values(q.y));
}
