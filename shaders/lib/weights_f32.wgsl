// F32 — a value is 4 bytes. Words follow each other as in the file.
//
// tile_at(base, tile): 8 values of four rows, `base` being where the rows begin in the weight; tile_quads(tile): which quads
// of a row they are. Planes of a row: the values.

#include "lib/tile_values.wgsl"

fn tile_quads(tile: u32) -> vec2u {
  return vec2u(2u * tile, 2u * tile + 1u);
}

fn tile_at(base: u32, tile: u32) -> Tile {
  let i = base + 8u * tile;
  return Tile(f32_columns(i), f32_columns(i + 4u));
}

fn f32_columns(i: u32) -> mat4x4f {
  return mat4x4f(
    bitcast<vec4f>(weight_word(i)),
    bitcast<vec4f>(weight_word(i + 1u)),
    bitcast<vec4f>(weight_word(i + 2u)),
    bitcast<vec4f>(weight_word(i + 3u)),
  );
}
