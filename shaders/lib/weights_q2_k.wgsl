// Q2_K — 256 values in 84 bytes: scales[16] (low nibble scale, high nibble minimum, one for 16 values), qs[64], d f16,
// dmin f16. A half of 128 values has 32 bytes of qs; group k (0…3) of a half takes bits 2k of them.
// y = d · scale · q − dmin · minimum.
//
// tile_at(base, tile): 8 values of four rows, `base` being where the rows begin in the weight; tile_quads(tile): which quads
// of a row they are. Planes of a row: qs, scales, d and dmin.

#include "lib/fields.wgsl"
#include "lib/halves4.wgsl"
#include "lib/tile_two_affine.wgsl"

// A word of qs holds four quads, 32 values apart, two bits a value; a tile is two neighbours of them.
fn tile_quads(tile: u32) -> vec2u {
  let quad = 32u * (tile / 16u) + 16u * (tile % 2u) + tile / 2u % 8u;
  return vec2u(quad, quad + 8u);
}

fn tile_at(base: u32, tile: u32) -> Tile {
  let n_blocks = row_length() / 256u;
  let upper = tile % 2u; // groups 2 and 3
  let q = weight_word(base + tile / 2u) >> vec4u(4u * upper);
  let scales = weight_word(base + 16u * n_blocks + 2u * (tile / 16u) + upper) >> vec4u(8u * (tile / 8u % 2u));
  let header = weight_word(base + 20u * n_blocks + tile / 32u);
  let d = half_of(header, 0u);
  let dmin = half_of(header, 1u);
  return Tile(
    byte_fields(q & vec4u(0x03030303u), 0.0),
    byte_fields((q >> vec4u(2u)) & vec4u(0x03030303u), 0.0),
    d * field(scales, 0xfu, 1.0, 0.0),
    d * field(scales, 0xf0000u, 65536.0, 0.0),
    dmin * field(scales, 0xf0u, 16.0, 0.0),
    dmin * field(scales >> vec4u(16u), 0xf0u, 16.0, 0.0),
  );
}
