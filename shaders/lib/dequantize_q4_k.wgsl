// Q4_K — 256 values in 144 bytes: d f16, dmin f16, scales[12], qs[128]. Eight groups of 32, each with a scale
// and a minimum of 6 bits; groups 2k and 2k + 1 share 32 bytes of qs, low and high nibbles.
// y = d · scale · q − dmin · minimum. Blocks, hence rows, are whole vec4u.
//
// dequantize(row, group): the 32 values from 32 · group on of the row that begins at word `row` of `weight`.

#include "lib/bytes.wgsl"
#include "lib/f16.wgsl"

fn dequantize(row: u32, group: u32) -> array<vec4f, 8> {
  let block = row / 4u + 9u * (group / 8u);
  let j = group % 8u;
  let header = weight[block];
  // Scale and minimum j < 4 are the low six bits of bytes j and 4 + j; those of j ≥ 4 are the nibbles of byte 4 + j
  // with the upper two bits of bytes j − 4 and j.
  let shift = 8u * (j % 4u);
  let a = header.y >> shift;
  let b = header.z >> shift;
  let c = header.w >> shift;
  let scale = select((c & 15u) | ((a >> 2u) & 48u), a & 63u, j < 4u);
  let minimum = select(((c >> 4u) & 15u) | ((b >> 2u) & 48u), b & 63u, j < 4u);
  let m = f16_to_f32(header.x & 0xffffu) * f32(scale);
  let n = f16_to_f32(header.x >> 16u) * f32(minimum);

  let nibble = 4u * (j % 2u);
  let p = weight[block + 1u + 2u * (j / 2u)];
  let q = weight[block + 2u + 2u * (j / 2u)];
  return array(m * nibbles(p.x, nibble) - n, m * nibbles(p.y, nibble) - n,
               m * nibbles(p.z, nibble) - n, m * nibbles(p.w, nibble) - n,
               m * nibbles(q.x, nibble) - n, m * nibbles(q.y, nibble) - n,
               m * nibbles(q.z, nibble) - n, m * nibbles(q.w, nibble) - n);
}
