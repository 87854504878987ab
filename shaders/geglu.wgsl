// geglu — the gated half of the feed-forward network, and of the per-layer embeddings.
//
//   y[r, i] = gelu(gate[r, i]) · up[r, up_offset[0] + i]
//   gelu(u) = ½ · u · (1 + tanh(√(2/π) · (u + 0.044715 · u³)))
//
// Shapes    gate, y: [n_rows, N] f32; up: [n_rows, UP_STRIDE] f32, of which N values from up_offset[0] on are used: a
//           buffer and not a constant, because it differs by layer, and each constant would need another pipeline
// Dispatch  one invocation a value; those past the end of y do nothing
// Numerics  the argument of tanh is clamped to ±10, where tanh is ±1 in f32: gates of ±40 occur, and would overflow
// Source    Shazeer, "GLU variants improve transformer" (2020); GELU by tanh: Hendrycks and Gimpel (2016)
// Reference test/reference/geglu.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32;
override UP_STRIDE: u32;

@group(0) @binding(0) var<storage, read> gate: array<f32>;
@group(0) @binding(1) var<storage, read> up: array<f32>;
@group(0) @binding(2) var<storage, read> up_offset: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

#include "lib/gelu.wgsl"
#include "lib/linear.wgsl"
#include "lib/tanh.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn geglu(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let index = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  if (index >= arrayLength(&y)) {
    return;
  }
  y[index] = gelu(gate[index]) * up[(index / N) * UP_STRIDE + u32(up_offset[0]) + index % N];
}
