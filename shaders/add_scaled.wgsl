// add_scaled — a residual connection, and Gemma 4's scale of the whole stream after it.
//
//   y = (a + b) · scale[0]
//
// Shapes    a, b, y: [n_rows, N] f32; scale: [1] f32
// Dispatch  one invocation a value; those behind the end of y do nothing
// Numerics  f32, in the order written
// Reference src/engine/reference/add_scaled.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32; // the grid's business alone

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn add_scaled(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let i = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  if (i >= arrayLength(&y)) {
    return;
  }
  y[i] = (a[i] + b[i]) * scale[0];
}
