// Q2_K — 256 values in 84 bytes: scales[16] (low nibble scale, high nibble minimum, one for 16 values), qs[64], d f16,
// dmin f16. A half of 128 values has 32 bytes of qs; group k (0…3) of a half takes bits 2k of them.
// y = d · scale · q − dmin · minimum.
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

#include "lib/bytes.wgsl"
#include "lib/f16.wgsl"

alias WeightWord = u32;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let block = row + 21u * (chunk / 32u);
  let within = chunk % 32u;
  let scale = weight[block + within / 8u] >> (8u * (within / 2u % 4u));
  let header = weight[block + 20u];
  let d = f16_pair(header);
  let m = d.x * f32(scale & 15u);
  let n = d.y * f32((scale >> 4u) & 15u);
  let qs = block + 4u + 8u * (within / 16u) + 2u * (chunk % 4u);
  let shift = 2u * (within / 4u % 4u);
  return array(
    m * unsigned_bytes((weight[qs] >> shift) & 0x03030303u) - n,
    m * unsigned_bytes((weight[qs + 1u] >> shift) & 0x03030303u) - n,
  );
}
