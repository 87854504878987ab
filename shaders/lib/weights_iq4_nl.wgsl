// IQ4_NL — 32 values in 18 bytes: d f16, qs[16]; nibbles as in Q4_0, y = d · T[q] with the table of iq4_columns.wgsl.
//
// tile_at(base, tile): 8 values of four rows, `base` being where the rows begin in the weight; tile_quads(tile): which quads
// of a row they are. Planes of a row: qs, d.

#include "lib/halves4.wgsl"
#include "lib/iq4_columns.wgsl"
#include "lib/tile_scaled.wgsl"

// A word of qs holds a quad in its low nibbles and the quad 16 values on in its high ones.
fn tile_quads(tile: u32) -> vec2u {
  let quad = 8u * (tile / 4u) + tile % 4u;
  return vec2u(quad, quad + 4u);
}

fn tile_at(base: u32, tile: u32) -> Tile {
  let q = weight_word(base + tile);
  let block = tile / 4u;
  let d = weight_word(base + row_length() / 8u + block / 2u);
  return Tile(iq4_columns(q), iq4_columns(q >> vec4u(4u)), half_of(d, block));
}
