// Q5_K — 256 values in 176 bytes: d f16, dmin f16, scales[12], qh[32], qs[128]. As Q4_K, and bit j of byte l of qh is
// the fifth bit of value l of group j. y = d · scale · q − dmin · minimum.
//
// tile_at(base, tile): 8 values of four rows, `base` being where the rows begin in the weight; tile_quads(tile): which quads
// of a row they are. Planes of a row: qs; qh; d, dmin and scales.

#include "lib/fields.wgsl"
#include "lib/halves4.wgsl"
#include "lib/k_scales.wgsl"
#include "lib/tile_two_affine.wgsl"

// Byte l of 32 holds value l of group 2k in its low nibble and that of group 2k + 1 in its high one.
fn tile_quads(tile: u32) -> vec2u {
  let quad = 16u * (tile / 8u) + tile % 8u;
  return vec2u(quad, quad + 8u);
}

fn tile_at(base: u32, tile: u32) -> Tile {
  let n_blocks = row_length() / 256u;
  let block = tile / 32u;
  let k = tile / 8u % 4u;
  let q = weight_word(base + tile);
  let high = weight_word(base + 32u * n_blocks + 8u * block + tile % 8u) >> vec4u(2u * k);
  let scales = k_scales(base + 40u * n_blocks + 4u * block, k);
  let a = (q & vec4u(0x0f0f0f0fu)) | ((high & vec4u(0x01010101u)) << vec4u(4u));
  let b = ((q >> vec4u(4u)) & vec4u(0x0f0f0f0fu)) | ((high & vec4u(0x02020202u)) << vec4u(3u));
  return Tile(byte_fields(a, 0.0), byte_fields(b, 0.0), scales[0], scales[1], scales[2], scales[3]);
}
