// Q4_K — 256 values in 144 bytes: d f16, dmin f16, scales[12], qs[128]. Eight groups of 32, each with a scale
// and a minimum of 6 bits; groups 2k and 2k + 1 share 32 bytes of qs, low and high nibbles.
// y = d · scale · q − dmin · minimum. Blocks, hence rows, are whole vec4u.
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

#include "lib/bytes.wgsl"
#include "lib/f16.wgsl"

alias WeightWord = vec4u;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let block = row / 4u + 9u * (chunk / 32u);
  let j = chunk / 4u % 8u;
  let header = weight[block];
  // Scale and minimum j < 4 are the low six bits of bytes j and 4 + j; those of j ≥ 4 are the nibbles of byte 4 + j
  // with the upper two bits of bytes j − 4 and j.
  let shift = 8u * (j % 4u);
  let a = header.y >> shift;
  let b = header.z >> shift;
  let c = header.w >> shift;
  let scale = select((c & 15u) | ((a >> 2u) & 48u), a & 63u, j < 4u);
  let minimum = select(((c >> 4u) & 15u) | ((b >> 2u) & 48u), b & 63u, j < 4u);
  let d = f16_to_f32(vec4u(header.x & 0xffffu, header.x >> 16u, 0u, 0u));
  let m = d.x * f32(scale);
  let n = d.y * f32(minimum);

  let qs = weight[block + 1u + 2u * (j / 2u) + chunk / 2u % 2u];
  let q = select(qs.xy, qs.zw, chunk % 2u == 1u);
  let nibble = 4u * (j % 2u);
  return array(m * nibbles(q.x, nibble) - n, m * nibbles(q.y, nibble) - n);
}
