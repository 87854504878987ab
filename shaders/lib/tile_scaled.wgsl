// Types with one scale for the 8 values of a tile: y = scale · q.
struct Tile {
  a: mat4x4f, // column i: value i of the first quad, of four rows
  b: mat4x4f,
  scale: vec4f,
}

fn tile_product(tile: Tile, first: vec4f, second: vec4f) -> vec4f {
  return tile.scale * (tile.a * first + tile.b * second);
}

fn tile_value(tile: Tile, i: u32) -> vec4f {
  if (i < 4u) {
    return tile.scale * tile.a[i];
  }
  return tile.scale * tile.b[i - 4u];
}
