// Types with a scale for each quad of a tile: y = scale · q.
struct Tile {
  a: mat4x4f, // column i: value i of the first quad, of four rows
  b: mat4x4f,
  scale_a: vec4f,
  scale_b: vec4f,
}

fn tile_product(tile: Tile, first: vec4f, second: vec4f) -> vec4f {
  return tile.scale_a * (tile.a * first) + tile.scale_b * (tile.b * second);
}

fn tile_value(tile: Tile, i: u32) -> vec4f {
  if (i < 4u) {
    return tile.scale_a * tile.a[i];
  }
  return tile.scale_b * tile.b[i - 4u];
}
