// softcap_backward — from the gradient of softcap's result to that of its input.
//
//   dx[i] = dy[i] · (1 − (y[i] / CAP)²)
//
// Shapes    y, dy, dx: [n_rows, N] f32; y is what softcap left
// Dispatch  one invocation a value; those past the end of dx do nothing
// Numerics  exactly 0 where y is ±CAP in f32
// Source    as softcap
// Reference test/reference/softcap_backward.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32; // read by the grid only
override CAP: f32; // above 0

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn softcap_backward(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let i = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  if (i >= arrayLength(&dx)) {
    return;
  }
  let share = y[i] / CAP;
  dx[i] = dy[i] * (1.0 - share) * (1.0 + share);
}
