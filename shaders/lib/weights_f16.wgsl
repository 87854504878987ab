// F16 — a value is 2 bytes, IEEE half precision.
//
// tile_at(base, tile): 8 values of four rows, `base` being where the rows begin in the weight; tile_quads(tile): which quads
// of a row they are. Planes of a row: the values.

#include "lib/halves4.wgsl"
#include "lib/tile_values.wgsl"

fn tile_quads(tile: u32) -> vec2u {
  return vec2u(2u * tile, 2u * tile + 1u);
}

fn tile_at(base: u32, tile: u32) -> Tile {
  let i = base + 4u * tile;
  return Tile(f16_columns(weight_word(i), weight_word(i + 1u)), f16_columns(weight_word(i + 2u), weight_word(i + 3u)));
}

fn f16_columns(first: vec4u, second: vec4u) -> mat4x4f {
  return mat4x4f(half_of(first, 0u), half_of(first, 1u), half_of(second, 0u), half_of(second, 1u));
}
