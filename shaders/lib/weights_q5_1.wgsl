// Q5_1 — 32 values in 24 bytes: d f16, m f16, qh u32, qs[16]; nibbles as in Q4_1, and bit n of qh is the fifth bit of
// value n; y = d · q + m.
//
// tile_at(base, tile): 8 values of four rows, `base` being where the rows begin in the weight; tile_quads(tile): which quads
// of a row they are. Planes of a row: qs, qh, d and m.

#include "lib/fields.wgsl"
#include "lib/fifth_bits.wgsl"
#include "lib/halves4.wgsl"
#include "lib/tile_affine.wgsl"

// A word of qs holds a quad in its low nibbles and the quad 16 values on in its high ones.
fn tile_quads(tile: u32) -> vec2u {
  let quad = 8u * (tile / 4u) + tile % 4u;
  return vec2u(quad, quad + 4u);
}

fn tile_at(base: u32, tile: u32) -> Tile {
  let q = weight_word(base + tile);
  let block = tile / 4u;
  let n_blocks = row_length() / 32u;
  let high = weight_word(base + 4u * n_blocks + block) >> vec4u(4u * (tile % 4u));
  let header = weight_word(base + 5u * n_blocks + block);
  let a = (q & vec4u(0x0f0f0f0fu)) | fifth_bits(high);
  let b = ((q >> vec4u(4u)) & vec4u(0x0f0f0f0fu)) | fifth_bits(high >> vec4u(16u));
  return Tile(byte_fields(a, 0.0), byte_fields(b, 0.0), half_of(header, 0u), half_of(header, 1u));
}
