// Q4_1 — 32 values in 20 bytes: d f16, m f16, qs[16]; byte j holds value j (low nibble) and value j + 16 (high);
// y = d · q + m.
//
// tile_at(base, tile): 8 values of four rows, `base` being where the rows begin in the weight; tile_quads(tile): which quads
// of a row they are. Planes of a row: qs, d and m.

#include "lib/fields.wgsl"
#include "lib/halves4.wgsl"
#include "lib/tile_affine.wgsl"

// A word of qs holds a quad in its low nibbles and the quad 16 values on in its high ones.
fn tile_quads(tile: u32) -> vec2u {
  let quad = 8u * (tile / 4u) + tile % 4u;
  return vec2u(quad, quad + 4u);
}

fn tile_at(base: u32, tile: u32) -> Tile {
  let q = weight_word(base + tile);
  let header = weight_word(base + row_length() / 8u + tile / 4u);
  return Tile(low_nibbles(q, 0.0), high_nibbles(q, 0.0), half_of(header, 0u), half_of(header, 1u));
}
