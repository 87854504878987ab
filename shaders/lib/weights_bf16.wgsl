// BF16 — a value is the upper 2 bytes of an f32.
//
// tile_at(base, tile): 8 values of four rows, `base` being where the rows begin in the weight; tile_quads(tile): which quads
// of a row they are. Planes of a row: the values.

#include "lib/tile_values.wgsl"

fn tile_quads(tile: u32) -> vec2u {
  return vec2u(2u * tile, 2u * tile + 1u);
}

fn tile_at(base: u32, tile: u32) -> Tile {
  let i = base + 4u * tile;
  return Tile(bf16_columns(weight_word(i), weight_word(i + 1u)), bf16_columns(weight_word(i + 2u), weight_word(i + 3u)));
}

fn bf16_columns(first: vec4u, second: vec4u) -> mat4x4f {
  return mat4x4f(
    bitcast<vec4f>(first << vec4u(16u)),
    bitcast<vec4f>(first & vec4u(0xffff0000u)),
    bitcast<vec4f>(second << vec4u(16u)),
    bitcast<vec4f>(second & vec4u(0xffff0000u)),
  );
}
