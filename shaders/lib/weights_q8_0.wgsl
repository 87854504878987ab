// Q8_0 — 32 values in 34 bytes: d f16, q i8[32]; y = d · q.
//
// tile_at(base, tile): 8 values of four rows, `base` being where the rows begin in the weight; tile_quads(tile): which quads
// of a row they are. Planes of a row: q, d.

#include "lib/fields.wgsl"
#include "lib/halves4.wgsl"
#include "lib/tile_scaled.wgsl"

fn tile_quads(tile: u32) -> vec2u {
  return vec2u(2u * tile, 2u * tile + 1u);
}

fn tile_at(base: u32, tile: u32) -> Tile {
  // A signed byte with its sign flipped is the byte plus 128.
  let a = weight_word(base + 2u * tile) ^ vec4u(0x80808080u);
  let b = weight_word(base + 2u * tile + 1u) ^ vec4u(0x80808080u);
  let block = tile / 4u;
  let d = weight_word(base + row_length() / 4u + block / 2u);
  return Tile(byte_fields(a, 128.0), byte_fields(b, 128.0), half_of(d, block));
}
