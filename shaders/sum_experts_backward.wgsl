// sum_experts_backward — the gradient of what sum_experts adds up. The weights are constant.
//
//   dx[r, s, i] = weights[r, s] · dy[r, i]
//
// Shapes    dy: [n_rows, N] f32; weights: [n_rows, USED] f32; dx: [n_rows, USED, N] f32
// Dispatch  one invocation a value of dx; those past its end do nothing
// Reference test/reference/sum_experts_backward.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32;
override USED: u32;

@group(0) @binding(0) var<storage, read> weights: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn sum_experts_backward(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let at = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  if (at >= arrayLength(&dx)) {
    return;
  }
  let pair = at / N;
  dx[at] = weights[pair] * dy[pair / USED * N + at % N];
}
