// Types with a scale and an offset for the 8 values of a tile: y = scale · q + offset.
struct Tile {
  a: mat4x4f, // column i: value i of the first quad, of four rows
  b: mat4x4f,
  scale: vec4f,
  offset: vec4f,
}

fn tile_product(tile: Tile, first: vec4f, second: vec4f) -> vec4f {
  let sum = dot(first, vec4f(1.0)) + dot(second, vec4f(1.0));
  return tile.scale * (tile.a * first + tile.b * second) + tile.offset * sum;
}

fn tile_value(tile: Tile, i: u32) -> vec4f {
  if (i < 4u) {
    return tile.scale * tile.a[i] + tile.offset;
  }
  return tile.scale * tile.b[i - 4u] + tile.offset;
}
