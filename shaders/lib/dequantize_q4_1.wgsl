// Q4_1 — 32 values in 20 bytes: d f16, m f16, qs[16]; byte j holds value j (low nibble) and value j + 16 (high);
// y = d · q + m.
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

#include "lib/bytes.wgsl"
#include "lib/f16.wgsl"

alias WeightWord = u32;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let block = row + 5u * (chunk / 4u);
  let header = weight[block];
  let scales = f16_pair(header);
  let qs = block + 1u + 2u * (chunk % 2u);
  let shift = 4u * (chunk / 2u % 2u);
  return array(
    scales.x * nibbles(weight[qs], shift) + scales.y,
    scales.x * nibbles(weight[qs + 1u], shift) + scales.y,
  );
}
