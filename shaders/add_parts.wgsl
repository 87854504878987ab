// add_parts — adds the sums of the parts that mul_mat_tiled left of a product.
//
//   y[r, i] = Σ_p partial[r, p, i]
//
// Shapes    partial: [n, PARTS, N] f32; y: [n, N] f32; ROWS says which rows
// Dispatch  one invocation a value; those past the last row do nothing
// Numerics  f32, in the order of the parts
// Reference test/reference/mul_mat.ts

override WORKGROUP_SIZE: u32 = 64u;

struct Shape {
  N: u32,
  PARTS: u32,
  ROWS: u32, // see lib/row_range.wgsl
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> shape: Shape;

#include "lib/linear.wgsl"
#include "lib/row_range.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn add_parts(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let range = row_range(shape.ROWS);
  let index = range.x * shape.N + linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  let row = index / shape.N;
  if (row >= range.y) {
    return;
  }
  let first = row * shape.PARTS * shape.N + index % shape.N;
  var sum = partial[first];
  for (var part = 1u; part < shape.PARTS; part++) {
    sum += partial[first + part * shape.N];
  }
  y[index] = sum;
}
