// Q4_K — 256 values in 144 bytes: d f16, dmin f16, scales[12], qs[128]. Eight groups of 32, each with a scale
// and a minimum of 6 bits; groups 2k and 2k + 1 share 32 bytes of qs, low and high nibbles.
// y = d · scale · q − dmin · minimum. Blocks, hence rows, are whole vec4u.
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

#include "lib/bytes.wgsl"
#include "lib/f16.wgsl"
#include "lib/paired_scales.wgsl"

alias WeightWord = vec4u;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let block = row / 4u + 9u * (chunk / 32u);
  let j = chunk / 4u % 8u;
  let scales = paired_scales(weight[block], j);
  let qs = weight[block + 1u + 2u * (j / 2u) + chunk / 2u % 2u];
  let q = select(qs.xy, qs.zw, chunk % 2u == 1u);
  let shift = 4u * (j % 2u);
  return array(scales.x * nibbles(q.x, shift) - scales.y, scales.x * nibbles(q.y, shift) - scales.y);
}
