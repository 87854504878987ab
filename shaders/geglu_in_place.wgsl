// geglu_in_place — geglu.wgsl where the result replaces the gates, so that a step of many rows needs no third activation of
// that width.
//
//   y[r, i] ← gelu(y[r, i]) · up[r, up_offset[0] + i]
//
// Shapes    y: [n_rows, N] f32; up: [n_rows, UP_STRIDE] f32, of which N values from up_offset[0] on are used
// Dispatch  one invocation a value; those past the end of y do nothing
// Numerics  as geglu
// Source    as geglu
// Reference test/reference/geglu.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32;
override UP_STRIDE: u32;

@group(0) @binding(0) var<storage, read> up: array<f32>;
@group(0) @binding(1) var<storage, read> up_offset: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

#include "lib/gelu.wgsl"
#include "lib/linear.wgsl"
#include "lib/tanh.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn geglu_in_place(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let index = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  if (index >= arrayLength(&y)) {
    return;
  }
  y[index] = gelu(y[index]) * up[(index / N) * UP_STRIDE + u32(up_offset[0]) + index % N];
}
