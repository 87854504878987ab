// geglu_gate_backward — geglu_backward where `up` needs no gradient: a slice of the per-layer embeddings, which are frozen.
//
//   dgate[r, i] = dy[r, i] · up[r, up_offset[0] + i] · gelu′(gate[r, i])
//
// Shapes    gate, dy, dgate: [n_rows, N] f32; up: [n_rows, UP_STRIDE] f32, of which N values from up_offset[0] on are used
// Dispatch  one invocation a value; those past the end of dgate do nothing
// Numerics  as geglu_backward
// Source    as geglu
// Reference test/reference/geglu_backward.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32;
override UP_STRIDE: u32;

@group(0) @binding(0) var<storage, read> gate: array<f32>;
@group(0) @binding(1) var<storage, read> up: array<f32>;
@group(0) @binding(2) var<storage, read> up_offset: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dgate: array<f32>;

#include "lib/gelu_slope.wgsl"
#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn geglu_gate_backward(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let i = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  if (i >= arrayLength(&dgate)) {
    return;
  }
  dgate[i] = dy[i] * up[(i / N) * UP_STRIDE + u32(up_offset[0]) + i % N] * gelu_slope(gate[i]);
}
