// IQ4_XS — 256 values in 136 bytes: d f16, scales_h u16, scales_l[4], qs[128]. Eight groups of 32 as in IQ4_NL, each with
// a scale of 6 bits: nibble g of scales_l and bits 2g of scales_h. y = d · (scale − 32) · T[q].
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

#include "lib/f16.wgsl"
#include "lib/iq4_values.wgsl"

alias WeightWord = u32;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let block = row + 34u * (chunk / 32u);
  let group = chunk / 4u % 8u;
  let header = weight[block];
  let low = (weight[block + 1u] >> (4u * group)) & 15u;
  let high = (header >> (16u + 2u * group)) & 3u;
  let d = f16_to_f32(header & 0xffffu) * (f32(low | (high << 4u)) - 32.0);
  let qs = block + 2u + 4u * group + 2u * (chunk % 2u);
  let shift = 4u * (chunk / 2u % 2u);
  return array(d * iq4_values(weight[qs] >> shift), d * iq4_values(weight[qs + 1u] >> shift));
}
