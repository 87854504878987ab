// Q4_0 — 32 values in 18 bytes: d f16, qs[16]; byte j holds value j (low nibble) and value j + 16 (high);
// y = d · (q − 8).
//
// dequantize(row, group): the 32 values from 32 · group on of the row that begins at word `row` of `weight`.

#include "lib/bytes.wgsl"
#include "lib/f16.wgsl"
#include "lib/halves.wgsl"

fn dequantize(row: u32, group: u32) -> array<vec4f, 8> {
  let block = 2u * row + 9u * group;
  let d = f16_to_f32(half_at(block));
  let q = four_words_at(block + 1u);
  return array(d * (nibbles(q[0], 0u) - 8.0), d * (nibbles(q[1], 0u) - 8.0),
               d * (nibbles(q[2], 0u) - 8.0), d * (nibbles(q[3], 0u) - 8.0),
               d * (nibbles(q[0], 4u) - 8.0), d * (nibbles(q[1], 4u) - 8.0),
               d * (nibbles(q[2], 4u) - 8.0), d * (nibbles(q[3], 4u) - 8.0));
}
