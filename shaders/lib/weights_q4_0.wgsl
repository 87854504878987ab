// Q4_0 — 32 values in 18 bytes: d f16, qs[16]; byte j holds value j (low nibble) and value j + 16 (high);
// y = d · (q − 8).
//
// tile_at(base, tile): 8 values of four rows, `base` being where the rows begin in the weight; tile_quads(tile): which quads
// of a row they are. Planes of a row: qs, d.

#include "lib/fields.wgsl"
#include "lib/halves4.wgsl"
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
  return Tile(low_nibbles(q, 8.0), high_nibbles(q, 8.0), half_of(d, block));
}
