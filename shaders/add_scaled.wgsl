// add_scaled — a residual connection, and Gemma 4's scale of the whole stream after it.
//
//   y[r, i] = (a[r, i] + b[r, i mod B_N]) · scale[0]
//
// Shapes    a, y: [n_rows, N] f32; b: [n_rows, B_N] f32, where 0 stands for N; scale: [1] f32
// Dispatch  one invocation a value; those past the end of y do nothing
// Numerics  f32, in the order written
// Reference test/reference/add_scaled.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32;
override B_N: u32 = 0u; // narrower than a: b is added to each of the vectors that a row holds

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
  var j = i;
  if (B_N != 0u) {
    j = (i / N) * B_N + i % N % max(B_N, 1u); // no constant may be divided by zero, even where it is never done
  }
  y[i] = (a[i] + b[j]) * scale[0];
}
