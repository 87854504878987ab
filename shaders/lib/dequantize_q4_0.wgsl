// Q4_0 — 32 values in 18 bytes: d f16, qs[16]; byte j holds value j (low nibble) and value j + 16 (high);
// y = d · (q − 8).
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

#include "lib/bytes.wgsl"
#include "lib/f16.wgsl"
#include "lib/halves.wgsl"

alias WeightWord = u32;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let block = 2u * row + 9u * (chunk / 4u);
  let d = f16_to_f32(half_at(block));
  // Chunks 0 and 1 are the low nibbles of the two halves of qs, chunks 2 and 3 the high ones.
  let q = words_at(block + 1u + 4u * (chunk % 2u));
  let shift = 4u * (chunk / 2u % 2u);
  return array(d * (nibbles(q.x, shift) - 8.0), d * (nibbles(q.y, shift) - 8.0));
}
