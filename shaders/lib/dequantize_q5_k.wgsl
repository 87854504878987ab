// Q5_K — 256 values in 176 bytes: d f16, dmin f16, scales[12], qh[32], qs[128]. As Q4_K, and bit j of byte l of qh is
// the fifth bit of value l of group j. y = d · scale · q − dmin · minimum. Blocks, hence rows, are whole vec4u.
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

#include "lib/bytes.wgsl"
#include "lib/f16.wgsl"
#include "lib/paired_scales.wgsl"

alias WeightWord = vec4u;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let block = row / 4u + 11u * (chunk / 32u);
  let j = chunk / 4u % 8u;
  let half = chunk / 2u % 2u; // of the group's 32 bytes
  let scales = paired_scales(weight[block], j);
  let qh = weight[block + 1u + half];
  let qs = weight[block + 3u + 2u * (j / 2u) + half];
  let odd = chunk % 2u == 1u;
  let low = (select(qs.xy, qs.zw, odd) >> vec2u(4u * (j % 2u))) & vec2u(0x0f0f0f0fu);
  let high = (select(qh.xy, qh.zw, odd) >> vec2u(j)) & vec2u(0x01010101u);
  let q = low | (high << vec2u(4u));
  return array(scales.x * unsigned_bytes(q.x) - scales.y, scales.x * unsigned_bytes(q.y) - scales.y);
}
