// Q4_K — 256 values in 144 bytes: d f16, dmin f16, scales[12], qs[128]. Eight groups of 32, each with a scale
// and a minimum of 6 bits; groups 2k and 2k + 1 share 32 bytes of qs, low and high nibbles.
// y = d · scale · q − dmin · minimum.
//
// tile_at(base, tile): 8 values of four rows, `base` being where the rows begin in the weight; tile_quads(tile): which quads
// of a row they are. Planes of a row: qs; d, dmin and scales.

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
  let q = weight_word(base + tile);
  let scales = k_scales(base + row_length() / 8u + 4u * (tile / 32u), tile / 8u % 4u);
  return Tile(low_nibbles(q, 0.0), high_nibbles(q, 0.0), scales[0], scales[1], scales[2], scales[3]);
}
