// Q8_0 — 32 values in 34 bytes: d f16, q i8[32]; y = d · q.
//
// dequantize(row, group): the 32 values from 32 · group on of the row that begins at word `row` of `weight`.

#include "lib/bytes.wgsl"
#include "lib/f16.wgsl"
#include "lib/halves.wgsl"

fn dequantize(row: u32, group: u32) -> array<vec4f, 8> {
  let block = 2u * row + 17u * group;
  let d = f16_to_f32(half_at(block));
  let q = eight_words_at(block + 1u);
  return array(d * signed_bytes(q[0]), d * signed_bytes(q[1]), d * signed_bytes(q[2]), d * signed_bytes(q[3]),
               d * signed_bytes(q[4]), d * signed_bytes(q[5]), d * signed_bytes(q[6]), d * signed_bytes(q[7]));
}
