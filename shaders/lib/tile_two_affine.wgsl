// Types with a scale and a minimum for each quad of a tile: y = scale · q − minimum.
struct Tile {
  a: mat4x4f, // column i: value i of the first quad, of four rows
  b: mat4x4f,
  scale_a: vec4f,
  scale_b: vec4f,
  minimum_a: vec4f,
  minimum_b: vec4f,
}

fn tile_product(tile: Tile, first: vec4f, second: vec4f) -> vec4f {
  let minimum = tile.minimum_a * dot(first, vec4f(1.0)) + tile.minimum_b * dot(second, vec4f(1.0));
  return tile.scale_a * (tile.a * first) + tile.scale_b * (tile.b * second) - minimum;
}

fn tile_value(tile: Tile, i: u32) -> vec4f {
  if (i < 4u) {
    return tile.scale_a * tile.a[i] - tile.minimum_a;
  }
  return tile.scale_b * tile.b[i - 4u] - tile.minimum_b;
}
