// Quads of four vectors, each a column.

// With constant indices only: a matrix that is indexed otherwise would be kept in memory.
fn column(four: mat4x4f, i: u32) -> vec4f {
  return select(select(four[0], four[1], i == 1u), select(four[2], four[3], i == 3u), i >= 2u);
}

fn faded(four: mat4x4f, fade: vec4f) -> mat4x4f {
  return mat4x4f(four[0] * fade.x, four[1] * fade.y, four[2] * fade.z, four[3] * fade.w);
}

// Each vector plus the same value times its own weight.
fn weighted(four: mat4x4f, value: vec4f, weight: vec4f) -> mat4x4f {
  return mat4x4f(
    four[0] + weight.x * value,
    four[1] + weight.y * value,
    four[2] + weight.z * value,
    four[3] + weight.w * value,
  );
}
