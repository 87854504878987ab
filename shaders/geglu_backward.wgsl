// geglu_backward — from the gradient of geglu's result to those of both its inputs.
//
//   dgate[i] = dy[i] · up[i] · gelu′(gate[i])
//   dup[i]   = dy[i] · gelu(gate[i])
//
// Shapes    gate, up, dy, dgate, dup: [n_rows, N] f32
// Dispatch  one invocation a value; those past the end of dgate do nothing
// Numerics  as geglu: the argument of tanh is clamped to ±10, beyond which the slope is exactly 0 or 1
// Source    as geglu
// Reference test/reference/geglu_backward.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32; // read by the grid only

@group(0) @binding(0) var<storage, read> gate: array<f32>;
@group(0) @binding(1) var<storage, read> up: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dgate: array<f32>;
@group(0) @binding(4) var<storage, read_write> dup: array<f32>;

#include "lib/gelu.wgsl"
#include "lib/gelu_slope.wgsl"
#include "lib/linear.wgsl"
#include "lib/tanh.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn geglu_backward(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let i = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  if (i >= arrayLength(&dgate)) {
    return;
  }
  dgate[i] = dy[i] * up[i] * gelu_slope(gate[i]);
  dup[i] = dy[i] * gelu(gate[i]);
}
