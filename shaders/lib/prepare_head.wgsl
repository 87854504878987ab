// One head of a row, in workgroup memory: normed, weighted, rotated. Needs HEAD_DIM, WORKGROUP_SIZE, `frequencies`,
// workgroup_reduce.wgsl.
var<workgroup> head_values: array<f32, HEAD_DIM>;

// What x / sqrt(mean(x²) + EPS) multiplies x with, for the head in head_values. Every invocation must call.
fn head_factor(lid: u32) -> f32 {
  var squares = 0.0;
  for (var i = lid; i < HEAD_DIM; i += WORKGROUP_SIZE) {
    squares += head_values[i] * head_values[i];
  }
  return 1.0 / sqrt(workgroup_sum(squares, lid) / f32(HEAD_DIM) + EPS);
}

// cos and sin of pair i at a position, as in rope.wgsl.
fn rotation(position: u32, i: u32) -> vec2f {
  let half = HEAD_DIM / 2u;
  let low = frequencies[(position % 256u) * half + i];
  let high = frequencies[(256u + position / 256u) * half + i];
  return vec2f(high.x * low.x - high.y * low.y, high.y * low.x + high.x * low.y);
}
